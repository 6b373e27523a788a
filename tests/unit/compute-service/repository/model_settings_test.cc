#include "compute-service/repository/model_settings.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

constexpr char kTensors[] =
    "input { name: 'in' data_type: TYPE_FP32 dims: -1 } "
    "output { name: 'out' data_type: TYPE_FP32 dims: 2 } ";

inference::ModelConfig Parse(const std::string& text) {
  inference::ModelConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return config;
}

std::string Refusal(const std::string& text) {
  return std::string(CheckModelConfig(Parse(text)).message());
}

std::string Parameter(const std::string& name, const std::string& value) {
  return "parameters { key: '" + name + "' value { string_value: '" + value + "' } }";
}

TEST(ModelSettingsTest, AcceptsWhatIsSupported) {
  for (const char* more :
       {"", "max_batch_size: 8", "version_policy { latest { } }",
        "version_policy { latest { num_versions: 1 } }", "instance_group { count: 2 }",
        "instance_group { kind: KIND_CPU }", "response_cache { enable: true }",
        "model_transaction_policy { decoupled: false }"}) {
    EXPECT_TRUE(CheckModelConfig(Parse(std::string(kTensors) + more)).ok()) << more;
  }
}

TEST(ModelSettingsTest, RefusesByNameWhatIsNot) {
  const struct {
    const char* text;
    const char* named;
  } kCases[] = {
      {"model_transaction_policy { decoupled: true }", "model_transaction_policy.decoupled"},
      {"dynamic_batching { }", "dynamic_batching"},
      {"version_policy { all { } }", "version_policy"},
      {"version_policy { latest { num_versions: 2 } }", "version_policy"},
      {"version_policy { specific { versions: 1 } }", "version_policy"},
      {"model_warmup { name: 'w' }", "model_warmup"},
      {"metric_tags { key: 'a' value: 'b' }", "metric_tags"},
      {"runtime: 'x'", "runtime"},
      {"max_batch_size: -1", "max_batch_size is -1"},
      {"instance_group { kind: KIND_GPU }", "KIND_GPU"},
      {"instance_group { kind: KIND_MODEL }", "KIND_MODEL"},
      {"instance_group { gpus: 0 }", "instance_group.gpus"},
      {"instance_group { profile: 'p' }", "instance_group.profile"},
      {"instance_group { passive: true }", "instance_group.passive"},
      {"instance_group { host_policy: 'h' }", "instance_group.host_policy"},
      {"instance_group { secondary_devices { } }", "instance_group.secondary_devices"},
      {"instance_group { count: -3 }", "-3"},
      {"instance_group { count: 1000 } instance_group { count: 25 }", "1025"},
      {"input { name: 'in' data_type: TYPE_FP32 }", "'in' is there twice"},
      {"input { data_type: TYPE_FP32 }", "input has no name"},
      {"input { name: 'x' }", "'x' has no data_type"},
      {"input { name: 'x' data_type: TYPE_FP32 dims: 0 }", "dimension 0"},
      {"output { name: 'x' data_type: TYPE_FP32 dims: -7 }", "dimension -7"},
      {"input { name: 'x' data_type: TYPE_FP32 is_shape_tensor: true }", "input.is_shape_tensor"},
      {"input { name: 'x' data_type: TYPE_FP32 format: FORMAT_NCHW }", "input.format"},
      {"input { name: 'x' data_type: TYPE_FP32 allow_ragged_batch: true }",
       "input.allow_ragged_batch"},
      {"output { name: 'x' data_type: TYPE_FP32 is_non_linear_format_io: true }",
       "output.is_non_linear_format_io"},
      {"output { name: 'x' data_type: TYPE_FP32 label_filename: 'l' }", "output.label_filename"},
  };
  for (const auto& refused : kCases) {
    EXPECT_THAT(Refusal(std::string(kTensors) + refused.text), HasSubstr(refused.named))
        << refused.text;
  }
  EXPECT_THAT(Refusal("output { name: 'x' data_type: TYPE_FP32 }"), HasSubstr("no input"));
  EXPECT_THAT(Refusal("input { name: 'x' data_type: TYPE_FP32 }"), HasSubstr("no output"));
}

TEST(ModelSettingsTest, ReadsWhatTheModelSaysElseTheDefaults) {
  const ModelSettings defaults = {
      .instances = 7, .max_queue_size = 70, .run_limit = absl::Seconds(7)};
  const auto read = [&](const std::string& text) {
    const auto settings = ReadModelSettings(Parse(text), defaults);
    EXPECT_TRUE(settings.ok()) << settings.status();
    return *settings;
  };
  EXPECT_EQ(read("").instances, 7);
  EXPECT_EQ(read("").max_queue_size, 70u);
  EXPECT_EQ(read("").run_limit, absl::Seconds(7));
  EXPECT_EQ(read("instance_group { count: 3 }").instances, 3);
  EXPECT_EQ(read("instance_group { }").instances, 1);
  EXPECT_EQ(read("instance_group { count: 3 } instance_group { }").instances, 4);
  EXPECT_EQ(read(Parameter("instances", "5")).instances, 5);
  EXPECT_EQ(read(Parameter("instances", "auto")).instances, 7);
  EXPECT_EQ(read("instance_group { count: 3 } " + Parameter("instances", "5")).instances, 3);
  EXPECT_EQ(read(Parameter("max_queue_size", "9")).max_queue_size, 9u);
  EXPECT_EQ(read(Parameter("run_limit_ms", "250")).run_limit, absl::Milliseconds(250));
}

TEST(ModelSettingsTest, RefusesNumbersThatAreNone) {
  for (const char* name : {"instances", "max_queue_size", "run_limit_ms"}) {
    for (const char* value : {"0", "-1", "many", "", "3x", "99999999999999999999"}) {
      const absl::Status status =
          ReadModelSettings(Parse(Parameter(name, value)), ModelSettings()).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name << "=" << value;
      EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    }
  }
}

}  // namespace
}  // namespace souvenir::compute
