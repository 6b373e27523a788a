#include "compute-service/repository/model_settings.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <string_view>

#include "common/status_macros.h"
#include "compute-service/backends/model_parameters.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;
using inference::ModelInstanceGroup;

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

// What inputs and outputs have in common. `kind` is "input" or "output".
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

}  // namespace

absl::Status CheckModelConfig(const ModelConfig& config) {
  if (config.model_transaction_policy().decoupled()) {
    return Unsupported("model_transaction_policy.decoupled");
  }
  if (config.has_dynamic_batching()) return Unsupported("dynamic_batching");
  if (config.has_version_policy() && !(config.version_policy().has_latest() &&
                                       config.version_policy().latest().num_versions() <= 1)) {
    return Unsupported("a version_policy other than the newest version alone");
  }
  if (config.model_warmup_size() > 0) return Unsupported("model_warmup");
  if (config.metric_tags_size() > 0) return Unsupported("metric_tags");
  if (!config.runtime().empty()) return Unsupported("runtime");
  if (config.max_batch_size() < 0) {
    return absl::InvalidArgumentError(
        fmt::format("max_batch_size is {}; it must not be negative", config.max_batch_size()));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckInstanceGroups(config));
  return CheckTensors(config);
}

absl::StatusOr<ModelSettings> ReadModelSettings(const ModelConfig& config,
                                                const ModelSettings& defaults) {
  ModelSettings settings = defaults;
  SOUVENIR_ASSIGN_OR_RETURN(const auto instances, InstancesAskedFor(config));
  if (instances) settings.instances = static_cast<int>(*instances);
  SOUVENIR_ASSIGN_OR_RETURN(const auto queue,
                            NumberParameter(config, "max_queue_size", 1'000'000'000));
  if (queue) settings.max_queue_size = static_cast<size_t>(*queue);
  SOUVENIR_ASSIGN_OR_RETURN(const auto limit,
                            NumberParameter(config, "run_limit_ms", 1'000'000'000));
  if (limit) settings.run_limit = absl::Milliseconds(*limit);
  return settings;
}

}  // namespace souvenir::compute
