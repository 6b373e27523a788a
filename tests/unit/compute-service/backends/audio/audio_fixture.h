#pragma once

#include <gtest/gtest.h>

#include <cstdint>
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
#include "compute-service/backends/audio/audio_engine.h"

namespace souvenir::compute {

inline constexpr char kSegmentation[] =
    "backend: 'audio' parameters { key: 'task' value { string_value: 'segmentation' } } ";
inline constexpr char kEncoding[] =
    "backend: 'audio' parameters { key: 'task' value { string_value: 'encoding' } } ";

inline std::string AudioParameter(const std::string& name, const std::string& value) {
  return "parameters { key: '" + name + "' value { string_value: '" + value + "' } } ";
}

inline Tensor TextTensor(std::string name, std::string_view text) {
  return {std::move(name), DataType::kBytes, {1}, FrameBytesElement(text)};
}

// What a recording was cut into.
struct CutAnswer {
  std::vector<std::string> pcm;
  std::vector<int64_t> starts;
  std::vector<int64_t> ends;
  int64_t duration = 0;

  bool operator==(const CutAnswer& other) const = default;
};

// Returns a completed description of the model "tested".
inline ModelDescription DescribeAudio(std::string_view config) {
  ModelDescription description;
  EXPECT_TRUE(ParseTextProto(config, "test", &description.config).ok()) << config;
  description.config.set_name("tested");
  const absl::Status completed = AudioEngine().Complete(&description);
  EXPECT_TRUE(completed.ok()) << completed;
  return description;
}

inline absl::StatusOr<std::vector<Tensor>> RunAudio(Instance& instance,
                                                    const std::vector<Tensor>& inputs,
                                                    const std::vector<std::string>& outputs) {
  std::vector<TensorView> views;
  for (const Tensor& input : inputs) {
    EXPECT_TRUE(ValidateTensor(input.view()).ok());
    views.push_back(input.view());
  }
  SOUVENIR_ASSIGN_OR_RETURN(
      InferenceResult result,
      instance.Run({.inputs = views, .outputs = outputs, .row_limit = absl::Seconds(60)}));
  EXPECT_EQ(result.outputs.size(), outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(result.outputs[i].name, outputs[i]);
    EXPECT_TRUE(ValidateTensor(result.outputs[i].view()).ok());
  }
  return std::move(result.outputs);
}

// Asks for the segments of a file, or of raw audio of `format`.
inline absl::StatusOr<CutAnswer> AskForSegments(Instance& instance, std::string_view audio,
                                                std::string_view format = "") {
  std::vector<Tensor> inputs = {TextTensor("AUDIO", audio)};
  if (!format.empty()) inputs.push_back(TextTensor("FORMAT", format));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs,
                            RunAudio(instance, inputs, {"PCM", "START", "END", "DURATION"}));
  CutAnswer answer;
  BytesElementReader reader(outputs[0].data);
  while (const auto pcm = reader.Next()) answer.pcm.emplace_back(*pcm);
  answer.starts = ToElements<int64_t>(outputs[1].data);
  answer.ends = ToElements<int64_t>(outputs[2].data);
  answer.duration = ToElements<int64_t>(outputs[3].data).at(0);
  return answer;
}

// Makes an instance of a model in this process.
inline std::unique_ptr<Instance> MakeAudioInstance(std::string_view config) {
  const auto model = AudioEngine().Load(DescribeAudio(config), nullptr);
  EXPECT_TRUE(model.ok()) << model.status();
  auto instance = (*model)->CreateInstance();
  EXPECT_TRUE(instance.ok()) << instance.status();
  return *std::move(instance);
}

}  // namespace souvenir::compute
