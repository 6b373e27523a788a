#include "compute-service/backends/pytorch/scripted_model.h"

#include <fmt/format.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/jit/serialization/import.h>

#include <exception>
#include <utility>

#include "common/read_file.h"
#include "common/status_macros.h"
#include "compute-service/backends/pytorch/forward_effects.h"
#include "compute-service/backends/pytorch/torch_errors.h"
#include "compute-service/backends/pytorch/torch_threads.h"

namespace souvenir::compute {
namespace {

absl::StatusOr<torch::jit::Module> LoadModule(const std::string& model, const std::string& path) {
  try {
    torch::jit::Module module = torch::jit::load(path, c10::Device(c10::DeviceType::CPU));
    module.eval();
    return module;
  } catch (...) {
    return absl::InvalidArgumentError(
        fmt::format("model {}: {} cannot be loaded by libtorch {} as TorchScript ({}); save the "
                    "model with torch.jit.save, not torch.save",
                    model, path, TORCH_VERSION, ThrownLine(std::current_exception())));
  }
}

// Throws the exceptions of libtorch.
absl::Status BindModule(ScriptedModel* model) {
  const c10::optional<torch::jit::Method> forward = model->module.find_method("forward");
  if (!forward) {
    return absl::InvalidArgumentError(
        fmt::format("model {}: the module has no method forward()", model->config.name()));
  }
  SOUVENIR_ASSIGN_OR_RETURN(model->binding,
                            BindForward(forward->function().getSchema(), model->config));
  const ForwardEffects effects = EffectsOfForward(model->module);
  if (effects.changes_attribute) {
    return absl::InvalidArgumentError(fmt::format(
        "model {}: forward() changes the model's attribute '{}'; a model whose answers depend on "
        "earlier requests cannot be served",
        model->config.name(), *effects.changes_attribute));
  }
  model->copy_inputs = effects.may_touch_inputs;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ScriptedModel>> ScriptedModel::Load(
    const std::string& path, const ModelDescription& description) {
  auto model = std::make_shared<ScriptedModel>();
  model->config = description.config;
  SOUVENIR_ASSIGN_OR_RETURN(model->settings, ReadExecutionSettings(description.config));
  if (const absl::Status readable = OpenRegularFile(path).status(); !readable.ok()) {
    return CannotReadModel(description.config.name(), readable);
  }
  StartNoTorchThreads();
  SOUVENIR_ASSIGN_OR_RETURN(model->module, LoadModule(model->config.name(), path));
  try {
    SOUVENIR_RETURN_IF_ERROR(BindModule(model.get()));
  } catch (...) {
    return absl::InvalidArgumentError(fmt::format("model {}: {} cannot be analysed: {}",
                                                  model->config.name(), path,
                                                  ThrownLine(std::current_exception())));
  }
  return model;
}

}  // namespace souvenir::compute
