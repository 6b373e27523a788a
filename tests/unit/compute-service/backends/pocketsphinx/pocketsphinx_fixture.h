#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/text_proto.h"
#include "common/status_macros.h"
#include "common/tensor/elements.h"
#include "common/tensor/tensor.h"
#include "compute-service/backends/pocketsphinx/pocketsphinx_backend.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir::compute {

inline constexpr char kEnglish[] = "/usr/share/pocketsphinx/model/en-us";
inline constexpr char kRecordings[] = "/usr/share/pocketsphinx/test/data/";

// A test of the model "speech" with the real worker program.
class PocketsphinxTest : public testing::Test {
 protected:
  // Returns the repository's description of the model. `config` is its configuration without the
  // name.
  ModelDescription Describe(std::string_view config = "") {
    ModelDescription description;
    EXPECT_TRUE(ParseTextProto(config, "test", &description.config).ok()) << config;
    description.config.set_name("speech");
    description.config.set_backend("pocketsphinx");
    description.directory = directory_.path();
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

  // Returns the samples of a recording of pocketsphinx-testdata: WAV with a header of 44 bytes, or
  // raw. All have 16 kHz.
  static std::vector<int16_t> Recording(const std::string& name) {
    std::ifstream file(kRecordings + name, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_GT(bytes.size(), 1000u) << name;
    if (bytes.starts_with("RIFF")) bytes.erase(0, 44);
    return ToElements<int16_t>(bytes);
  }

  TemporaryDirectory directory_;
  PocketsphinxBackend backend_{{.worker_program = SOUVENIR_WORKER_POCKETSPHINX}};
};

}  // namespace souvenir::compute
