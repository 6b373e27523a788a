#include "compute-service/backends/pytorch/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "common/oip/model_tensors.h"
#include "common/status_macros.h"
#include "compute-service/backends/model_parameters.h"
#include "compute-service/backends/pytorch/datatypes.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;

constexpr std::string_view kDefaultFile = "model.pt";
constexpr int64_t kMostThreads = 1024;

// Names of Triton's parameters.
constexpr char kIntraOpThreads[] = "INTRA_OP_THREAD_COUNT";
constexpr char kInterOpThreads[] = "INTER_OP_THREAD_COUNT";
constexpr char kNoOptimizer[] = "DISABLE_OPTIMIZED_EXECUTION";
// Features that Triton lets users switch off. They are always on here, so "true" has no effect and
// "false" is refused.
constexpr const char* kAlwaysOn[] = {"ENABLE_WEIGHT_SHARING", "INFERENCE_MODE"};

constexpr std::string_view kParameters[] = {kIntraOpThreads, kInterOpThreads, kNoOptimizer,
                                            kAlwaysOn[0], kAlwaysOn[1]};

absl::Status Refused(const ModelConfig& config, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("model {}: {}", config.name(), what));
}

absl::Status CheckParameters(const ModelConfig& config) {
  SOUVENIR_RETURN_IF_ERROR(CheckParameterNames(config, "PyTorch", kParameters));
  for (const char* name : kAlwaysOn) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::optional<bool> on, SwitchParameter(config, name));
    if (on == false) return Refused(config, fmt::format("{} cannot be switched off", name));
  }
  // The gateway relies on row_exact without a check of its own, so a misspelt value is refused.
  SOUVENIR_RETURN_IF_ERROR(SwitchParameter(config, "row_exact").status());
  if (const auto isolation = Parameter(config, "isolation"); isolation && *isolation != "process") {
    return Refused(
        config,
        fmt::format("isolation is \"{}\"; PyTorch's models support only \"process\"", *isolation));
  }
  return absl::OkStatus();
}

template <typename ModelTensors>
absl::Status CheckDatatypes(std::string_view kind, const ModelConfig& config,
                            const ModelTensors& tensors) {
  for (const auto& tensor : tensors) {
    if (TorchTypeOf(DataTypeOf(tensor))) continue;
    return Refused(config,
                   fmt::format("{} '{}' is {}; libtorch supports {}", kind, tensor.name(),
                               inference::DataType_Name(tensor.data_type()), TorchTypeNames()));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> ThreadCount(const ModelConfig& config, const char* name) {
  SOUVENIR_ASSIGN_OR_RETURN(const auto number, NumberParameter(config, name, kMostThreads));
  if (number) return static_cast<int>(*number);
  return Refused(config,
                 fmt::format("parameter {} is missing: the configuration is incomplete", name));
}

}  // namespace

absl::StatusOr<std::string> ModelFile(const ModelDescription& description) {
  const ModelConfig& config = description.config;
  const std::string name = config.default_model_filename().empty()
                               ? std::string(kDefaultFile)
                               : config.default_model_filename();
  // The name becomes part of a path.
  if (name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return Refused(config, fmt::format("default_model_filename \"{}\" is not a name of a file in "
                                       "the version's folder",
                                       name));
  }
  if (description.directory.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("model {} has no version folder; put the model at {}/1/{}", config.name(),
                    config.name(), name));
  }
  return (std::filesystem::path(description.directory) / name).string();
}

absl::Status CannotReadModel(std::string_view model, const absl::Status& reason) {
  return absl::FailedPreconditionError(
      fmt::format("model {} needs its file: {}; save the model there with "
                  "torch.jit.script(module).save(path)",
                  model, std::string(reason.message())));
}

absl::Status CompleteTorchConfig(int cores, ModelConfig* config) {
  if (!config->platform().empty() && config->platform() != kTorchPlatform) {
    return Refused(*config, fmt::format("platform is \"{}\"; it must be \"{}\" or empty",
                                        config->platform(), kTorchPlatform));
  }
  if (config->cc_model_filenames_size() > 0) {
    return Refused(*config, "cc_model_filenames is not supported");
  }
  SOUVENIR_RETURN_IF_ERROR(CheckParameters(*config));
  SOUVENIR_RETURN_IF_ERROR(CheckDatatypes("input", *config, config->input()));
  SOUVENIR_RETURN_IF_ERROR(CheckDatatypes("output", *config, config->output()));
  // If the configuration leaves the number of instances to the service, it is one for each core.
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<int64_t> instances, InstancesAskedFor(*config));
  const int64_t sharers = std::max<int64_t>(1, instances.value_or(cores));
  DefaultParameter(kIntraOpThreads, std::to_string(std::max<int64_t>(1, cores / sharers)), config);
  DefaultParameter(kInterOpThreads, "1", config);
  DefaultParameter(kNoOptimizer, "true", config);
  return ReadExecutionSettings(*config).status();
}

absl::StatusOr<ExecutionSettings> ReadExecutionSettings(const ModelConfig& config) {
  ExecutionSettings settings;
  SOUVENIR_ASSIGN_OR_RETURN(settings.threads.intra_op, ThreadCount(config, kIntraOpThreads));
  SOUVENIR_ASSIGN_OR_RETURN(settings.threads.inter_op, ThreadCount(config, kInterOpThreads));
  SOUVENIR_ASSIGN_OR_RETURN(const auto no_optimizer, SwitchParameter(config, kNoOptimizer));
  settings.optimize = no_optimizer == false;
  return settings;
}

}  // namespace souvenir::compute
