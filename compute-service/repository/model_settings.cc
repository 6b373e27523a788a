#include "compute-service/repository/model_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "common/status_macros.h"
#include "compute-service/backends/model_parameters.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;
using inference::ModelInstanceGroup;

constexpr uint64_t kMostDelayMicroseconds = 60'000'000;
constexpr uint64_t kMostPriorityLevels = 1000;

absl::Status Unsupported(std::string_view setting) {
  return absl::InvalidArgumentError(fmt::format("{} is not supported", setting));
}

absl::Status CheckInstanceGroups(const ModelConfig& config) {
  int64_t instances = 0;
  for (const ModelInstanceGroup& group : config.instance_group()) {
    if (group.kind() != ModelInstanceGroup::KIND_AUTO &&
        group.kind() != ModelInstanceGroup::KIND_CPU) {
      return Unsupported(
          fmt::format("instance_group.kind {}", ModelInstanceGroup::Kind_Name(group.kind())));
    }
    if (group.gpus_size() > 0) return Unsupported("instance_group.gpus");
    if (group.secondary_devices_size() > 0) return Unsupported("instance_group.secondary_devices");
    if (group.profile_size() > 0) return Unsupported("instance_group.profile");
    if (group.passive()) return Unsupported("instance_group.passive");
    if (!group.host_policy().empty()) return Unsupported("instance_group.host_policy");
    if (group.count() < 0) {
      return absl::InvalidArgumentError(
          fmt::format("instance_group.count is {}; it must not be negative", group.count()));
    }
    instances += group.count();
  }
  if (instances > kMostInstances) {
    return absl::InvalidArgumentError(
        fmt::format("instance_group asks for {} instances, of at "
                    "most {}",
                    instances, kMostInstances));
  }
  return absl::OkStatus();
}

absl::Status CheckBatching(const ModelConfig& config) {
  if (!config.has_dynamic_batching()) return absl::OkStatus();
  const inference::ModelDynamicBatching& batching = config.dynamic_batching();
  if (config.max_batch_size() < 1) {
    return absl::InvalidArgumentError(
        "dynamic_batching needs a max_batch_size above 0: requests are joined along the batch");
  }
  for (const int32_t rows : batching.preferred_batch_size()) {
    if (rows < 1 || rows > config.max_batch_size()) {
      return absl::InvalidArgumentError(
          fmt::format("dynamic_batching.preferred_batch_size is {}; it must be from 1 to "
                      "max_batch_size, {}",
                      rows, config.max_batch_size()));
    }
  }
  if (batching.max_queue_delay_microseconds() > kMostDelayMicroseconds) {
    return absl::InvalidArgumentError(
        fmt::format("dynamic_batching.max_queue_delay_microseconds is {}; it must be at most {}",
                    batching.max_queue_delay_microseconds(), kMostDelayMicroseconds));
  }
  if (batching.preserve_ordering()) return Unsupported("dynamic_batching.preserve_ordering");
  if (batching.priority_queue_policy_size() > 0) {
    return Unsupported("dynamic_batching.priority_queue_policy");
  }
  if (batching.default_queue_policy().timeout_action() != inference::ModelQueuePolicy::REJECT) {
    return Unsupported("dynamic_batching.default_queue_policy.timeout_action DELAY");
  }
  const uint64_t levels = batching.priority_levels();
  if (levels > kMostPriorityLevels) {
    return absl::InvalidArgumentError(
        fmt::format("dynamic_batching.priority_levels is {}; it must be at most {}", levels,
                    kMostPriorityLevels));
  }
  const uint64_t level = batching.default_priority_level();
  if (level > levels || (levels > 0 && level == 0)) {
    return absl::InvalidArgumentError(
        fmt::format("dynamic_batching.default_priority_level is {}; it must be from 1 to "
                    "priority_levels, {}",
                    level, levels));
  }
  return absl::OkStatus();
}

// Checks the part that inputs and outputs have in common. `kind` is "input" or "output".
template <typename ModelTensor>
absl::Status CheckTensor(std::string_view kind, const ModelTensor& tensor,
                         std::set<std::string_view>* names) {
  if (tensor.name().empty()) {
    return absl::InvalidArgumentError(fmt::format("an {} has no name", kind));
  }
  if (!names->insert(tensor.name()).second) {
    return absl::InvalidArgumentError(fmt::format("{} '{}' is there twice", kind, tensor.name()));
  }
  if (tensor.data_type() == inference::TYPE_INVALID ||
      !inference::DataType_IsValid(tensor.data_type())) {
    return absl::InvalidArgumentError(fmt::format("{} '{}' has no data_type", kind, tensor.name()));
  }
  for (const int64_t dimension : tensor.dims()) {
    if (dimension < -1 || dimension == 0) {
      return absl::InvalidArgumentError(
          fmt::format("{} '{}' has the dimension {}; it must be above 0, or -1 for any", kind,
                      tensor.name(), dimension));
    }
  }
  if (tensor.is_shape_tensor()) return Unsupported(fmt::format("{}.is_shape_tensor", kind));
  if (tensor.is_non_linear_format_io()) {
    return Unsupported(fmt::format("{}.is_non_linear_format_io", kind));
  }
  return absl::OkStatus();
}

absl::Status CheckTensors(const ModelConfig& config) {
  std::set<std::string_view> inputs;
  for (const inference::ModelInput& input : config.input()) {
    SOUVENIR_RETURN_IF_ERROR(CheckTensor("input", input, &inputs));
    if (input.format() != inference::ModelInput::FORMAT_NONE) return Unsupported("input.format");
    if (input.allow_ragged_batch()) return Unsupported("input.allow_ragged_batch");
  }
  std::set<std::string_view> outputs;
  for (const inference::ModelOutput& output : config.output()) {
    SOUVENIR_RETURN_IF_ERROR(CheckTensor("output", output, &outputs));
    if (!output.label_filename().empty()) return Unsupported("output.label_filename");
  }
  if (inputs.empty()) return absl::InvalidArgumentError("the model has no input");
  if (outputs.empty()) return absl::InvalidArgumentError("the model has no output");
  return absl::OkStatus();
}

// REQUIRES: CheckModelConfig() has accepted `config`.
void ReadBatching(const ModelConfig& config, ModelSettings* settings) {
  if (!config.has_dynamic_batching()) return;
  const inference::ModelDynamicBatching& batching = config.dynamic_batching();
  settings->batching.most_rows = config.max_batch_size();
  settings->batching.max_delay = absl::Microseconds(batching.max_queue_delay_microseconds());
  auto& preferred = settings->batching.preferred_rows;
  preferred.assign(batching.preferred_batch_size().begin(), batching.preferred_batch_size().end());
  std::sort(preferred.begin(), preferred.end());
  if (batching.priority_levels() > 0) {
    settings->priority_levels = static_cast<int>(batching.priority_levels());
    settings->default_priority = static_cast<int>(batching.default_priority_level());
  }
  if (!batching.has_default_queue_policy()) return;
  const inference::ModelQueuePolicy& policy = batching.default_queue_policy();
  if (policy.max_queue_size() > 0) settings->max_queue_size = policy.max_queue_size();
  if (policy.default_timeout_microseconds() > 0) {
    settings->queue_timeout = absl::Microseconds(policy.default_timeout_microseconds());
  }
  settings->allow_timeout_override = policy.allow_timeout_override();
}

constexpr int kNicest = 19;
// A recording takes seconds of a processor, and a sentence of text takes milliseconds. With 4 more,
// the kernel gives speech a share of 0.4 beside text. With 9 more, speech starves beside programs
// that are not nice at all.
constexpr int kSpeechNice = 4;

bool IsSpeech(const ModelConfig& config) {
  const std::string_view task = Parameter(config, "task").value_or("");
  return task == "transcription" || task == "synthesis" || task == "segmentation" ||
         task == "encoding";
}

}  // namespace

absl::Status CheckModelConfig(const ModelConfig& config) {
  if (config.model_transaction_policy().decoupled()) {
    return Unsupported("model_transaction_policy.decoupled");
  }
  if (config.model_warmup_size() > 0) return Unsupported("model_warmup");
  if (config.metric_tags_size() > 0) return Unsupported("metric_tags");
  if (!config.runtime().empty()) return Unsupported("runtime");
  if (config.max_batch_size() < 0) {
    return absl::InvalidArgumentError(
        fmt::format("max_batch_size is {}; it must not be negative", config.max_batch_size()));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckInstanceGroups(config));
  SOUVENIR_RETURN_IF_ERROR(CheckBatching(config));
  return CheckTensors(config);
}

absl::StatusOr<ModelSettings> ReadModelSettings(const ModelConfig& config,
                                                const ModelSettings& defaults) {
  ModelSettings settings = defaults;
  SOUVENIR_ASSIGN_OR_RETURN(const auto instances, InstancesAskedFor(config));
  if (instances) {
    settings.fits_itself = false;
    settings.instances = static_cast<int>(*instances);
  } else if (Parameter(config, "instances")) {  // `auto`
    settings.fits_itself = true;
    settings.instances = settings.processors;
  }
  SOUVENIR_ASSIGN_OR_RETURN(const auto queue,
                            NumberParameter(config, "max_queue_size", 1'000'000'000));
  if (queue) settings.max_queue_size = static_cast<size_t>(*queue);
  SOUVENIR_ASSIGN_OR_RETURN(const auto limit,
                            NumberParameter(config, "run_limit_ms", 1'000'000'000));
  if (limit) settings.run_limit = absl::Milliseconds(*limit);
  SOUVENIR_ASSIGN_OR_RETURN(const auto nice,
                            NumberParameter(config, "nice", kNicest, /*least=*/0));
  if (nice) {
    settings.nice = static_cast<int>(*nice);
  } else if (IsSpeech(config)) {
    settings.nice = std::min(defaults.nice + kSpeechNice, kNicest);
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::string_view isolation,
                            ChoiceParameter(config, "isolation", {"thread", "process"}));
  if (Parameter(config, "isolation")) {
    settings.isolation = isolation == "process" ? Isolation::kProcess : Isolation::kThread;
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::string_view fallback,
                            ChoiceParameter(config, "isolation_fallback", {"none", "thread"}));
  if (Parameter(config, "isolation_fallback")) {
    settings.fall_back_to_thread = fallback == "thread";
  }
  ReadBatching(config, &settings);
  return settings;
}

}  // namespace souvenir::compute
