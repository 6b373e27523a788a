#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/text_proto.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "common/tensor/tensor.h"
#include "compute-service/backends/espeak-ng/espeak_ng_backend.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir::compute {

struct Utterance {
  std::string text;
  std::string voice = "en-us";
  float rate = 1;
  float pitch = 0;
};

// A test of the model "speech" with the real worker program.
class EspeakNgTest : public testing::Test {
 protected:
  // Returns the repository's description of the model. `config` is its configuration without the
  // name.
  static ModelDescription Describe(std::string_view config = "") {
    ModelDescription description;
    EXPECT_TRUE(ParseTextProto(config, "test", &description.config).ok()) << config;
    description.config.set_name("speech");
    description.config.set_backend("espeak-ng");
    return description;
  }

  static std::string Parameter(const std::string& name, const std::string& value) {
    return "parameters { key: '" + name + "' value { string_value: '" + value + "' } } ";
  }

  absl::StatusOr<std::unique_ptr<Model>> Load(std::string_view config = "") {
    ModelDescription description = Describe(config);
    SOUVENIR_RETURN_IF_ERROR(backend_.Complete(&description));
    return backend_.Load(description, nullptr);
  }

  static absl::StatusOr<InferenceResult> Run(Instance& instance, const std::vector<Utterance>& rows,
                                             absl::Duration row_limit = absl::Minutes(1)) {
    const auto count = static_cast<int64_t>(rows.size());
    std::string texts;
    std::string voices;
    std::vector<float> rates;
    std::vector<float> pitches;
    for (const Utterance& row : rows) {
      AppendBytesElement(row.text, &texts);
      AppendBytesElement(row.voice, &voices);
      rates.push_back(row.rate);
      pitches.push_back(row.pitch);
    }
    const Tensor inputs[] = {{"TEXT", DataType::kBytes, {count, 1}, texts},
                             {"VOICE", DataType::kBytes, {count, 1}, voices},
                             {"RATE", DataType::kFp32, {count, 1}, FromElements<float>(rates)},
                             {"PITCH", DataType::kFp32, {count, 1}, FromElements<float>(pitches)}};
    std::vector<TensorView> views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    const std::vector<std::string> outputs = {"AUDIO", "SAMPLE_RATE"};
    return instance.Run(
        {.inputs = views, .outputs = outputs, .rows = count, .row_limit = row_limit});
  }

  // Returns the samples of each row.
  static absl::StatusOr<std::vector<std::string>> Speak(Instance& instance,
                                                        const std::vector<Utterance>& rows) {
    SOUVENIR_ASSIGN_OR_RETURN(const InferenceResult result, Run(instance, rows));
    std::vector<std::string> audio;
    BytesElementReader elements(result.outputs[0].data);
    while (const auto element = elements.Next()) audio.emplace_back(*element);
    return audio;
  }

  EspeakNgBackend backend_{{.worker_program = SOUVENIR_WORKER_ESPEAK_NG}};
};

}  // namespace souvenir::compute
