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
       {"", "max_batch_size: 8", "version_policy { latest { } }", "version_policy { all { } }",
        "max_batch_size: 8 dynamic_batching { }", "instance_group { count: 2 }",
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
      {"dynamic_batching { }", "max_batch_size"},
      {"max_batch_size: 8 dynamic_batching { preserve_ordering: true }", "preserve_ordering"},
      {"max_batch_size: 8 dynamic_batching { preferred_batch_size: 9 }",
       "preferred_batch_size is 9"},
      {"max_batch_size: 8 dynamic_batching { preferred_batch_size: 0 }",
       "preferred_batch_size is 0"},
      {"max_batch_size: 8 dynamic_batching { max_queue_delay_microseconds: 60000001 }",
       "max_queue_delay_microseconds is 60000001"},
      {"max_batch_size: 8 dynamic_batching { priority_levels: 3 }", "default_priority_level is 0"},
      {"max_batch_size: 8 dynamic_batching { priority_levels: 3 default_priority_level: 4 }",
       "default_priority_level is 4"},
      {"max_batch_size: 8 dynamic_batching { priority_levels: 1001 default_priority_level: 1 }",
       "priority_levels is 1001"},
      {"max_batch_size: 8 dynamic_batching { priority_queue_policy { key: 1 value { } } }",
       "priority_queue_policy"},
      {"max_batch_size: 8 dynamic_batching { default_queue_policy { timeout_action: DELAY } }",
       "timeout_action DELAY"},
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
      .instances = 7, .processors = 3, .max_queue_size = 70, .run_limit = absl::Seconds(7)};
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
  EXPECT_FALSE(read("").fits_itself);
  EXPECT_EQ(read(Parameter("instances", "auto")).instances, 3);
  EXPECT_TRUE(read(Parameter("instances", "auto")).fits_itself);
  EXPECT_FALSE(read("instance_group { } " + Parameter("instances", "auto")).fits_itself);
  EXPECT_EQ(read("instance_group { count: 3 } " + Parameter("instances", "5")).instances, 3);
  EXPECT_EQ(read(Parameter("max_queue_size", "9")).max_queue_size, 9u);
  EXPECT_EQ(read(Parameter("run_limit_ms", "250")).run_limit, absl::Milliseconds(250));
}

TEST(ModelSettingsTest, ReadsHowRequestsAreBatchedAndQueued) {
  const auto settings = ReadModelSettings(Parse(R"(
    max_batch_size: 8
    dynamic_batching {
      preferred_batch_size: [ 8, 4 ]
      max_queue_delay_microseconds: 500
      priority_levels: 3
      default_priority_level: 2
      default_queue_policy {
        default_timeout_microseconds: 2000
        max_queue_size: 5
        allow_timeout_override: true
      }
    })"),
                                          ModelSettings());
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->batching.most_rows, 8);
  EXPECT_EQ(settings->batching.max_delay, absl::Microseconds(500));
  EXPECT_THAT(settings->batching.preferred_rows, ::testing::ElementsAre(4, 8));
  EXPECT_EQ(settings->priority_levels, 3);
  EXPECT_EQ(settings->default_priority, 2);
  EXPECT_EQ(settings->queue_timeout, absl::Milliseconds(2));
  EXPECT_EQ(settings->max_queue_size, 5u);
  EXPECT_TRUE(settings->allow_timeout_override);

  const auto silent = ReadModelSettings(Parse("max_batch_size: 8"), ModelSettings());
  EXPECT_EQ(silent->batching.most_rows, 0);
  EXPECT_EQ(silent->default_priority, kDefaultPriority);
  EXPECT_EQ(silent->queue_timeout, absl::InfiniteDuration());
}

TEST(ModelSettingsTest, ReadsWhereInstancesRun) {
  const auto read = [](const std::string& text) {
    return ReadModelSettings(Parse(text), ModelSettings());
  };
  EXPECT_EQ(read("")->isolation, Isolation::kThread);
  EXPECT_FALSE(read("")->fall_back_to_thread);
  EXPECT_EQ(read(Parameter("isolation", "process"))->isolation, Isolation::kProcess);
  EXPECT_TRUE(read(Parameter("isolation_fallback", "thread"))->fall_back_to_thread);
  const ModelSettings defaults{.isolation = Isolation::kProcess, .fall_back_to_thread = true};
  const auto silent = ReadModelSettings(Parse(""), defaults);
  EXPECT_EQ(silent->isolation, Isolation::kProcess);
  EXPECT_TRUE(silent->fall_back_to_thread);
  EXPECT_EQ(ReadModelSettings(Parse(Parameter("isolation", "thread")), defaults)->isolation,
            Isolation::kThread);
  EXPECT_FALSE(ReadModelSettings(Parse(Parameter("isolation_fallback", "none")), defaults)
                   ->fall_back_to_thread);
  EXPECT_THAT(std::string(read(Parameter("isolation", "container")).status().message()),
              HasSubstr("'container'; it must be one of thread, process"));
}

TEST(ModelSettingsTest, ModelsOfSpeechGiveWay) {
  const ModelSettings defaults = {.nice = 10};
  const auto nice = [&](const std::string& text) {
    const auto settings = ReadModelSettings(Parse(text), defaults);
    EXPECT_TRUE(settings.ok()) << settings.status();
    return settings->nice;
  };
  EXPECT_EQ(nice(""), 10);
  EXPECT_EQ(nice(Parameter("task", "translation")), 10);
  for (const char* task : {"transcription", "synthesis", "segmentation", "encoding"}) {
    EXPECT_EQ(nice(Parameter("task", task)), 14) << task;
  }
  EXPECT_EQ(nice(Parameter("task", "synthesis") + Parameter("nice", "12")), 12);
  EXPECT_EQ(nice(Parameter("nice", "0")), 0);
  EXPECT_EQ(nice(Parameter("nice", "19")), 19);
  for (const char* value : {"20", "-1", "much", ""}) {
    const absl::Status status =
        ReadModelSettings(Parse(Parameter("nice", value)), defaults).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << value;
    EXPECT_THAT(std::string(status.message()), HasSubstr("must be a number from 0 to 19"));
  }
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
