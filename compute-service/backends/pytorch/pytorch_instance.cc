#include "compute-service/backends/pytorch/pytorch_instance.h"

#include <ATen/core/ivalue.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/oip/model_tensors.h"
#include "common/status_macros.h"
#include "compute-service/backends/pytorch/datatypes.h"
#include "compute-service/backends/pytorch/torch_errors.h"
#include "compute-service/backends/pytorch/torch_tensors.h"
#include "compute-service/backends/pytorch/torch_threads.h"

namespace souvenir::compute {
namespace {

using Returns = ForwardBinding::Returns;

// Returns the index of the tensor called `name`, or the number of tensors if there is none.
template <typename ModelTensors>
int IndexOf(const ModelTensors& tensors, std::string_view name) {
  int i = 0;
  while (i < tensors.size() && tensors[i].name() != name) ++i;
  return i;
}

absl::StatusOr<torch::jit::Kwargs> Arguments(const ScriptedModel& model,
                                             absl::Span<const TensorView> inputs) {
  torch::jit::Kwargs arguments;
  for (const TensorView& input : inputs) {
    const int i = IndexOf(model.config.input(), input.name);
    if (i == model.config.input_size()) {
      return absl::InvalidArgumentError(
          fmt::format("model {} has no input '{}'", model.config.name(), input.name));
    }
    SOUVENIR_ASSIGN_OR_RETURN(at::Tensor tensor, ToTorch(input, model.copy_inputs));
    arguments.emplace(model.binding.arguments[i], std::move(tensor));
  }
  return arguments;
}

absl::Status NotThere(const std::string& output, std::string_view what) {
  return absl::InternalError(fmt::format("output '{}': the model answered {}", output, what));
}

// Returns the tensor for output `i` of the configuration. INTERNAL if the answer has none.
absl::StatusOr<at::Tensor> Pick(const ScriptedModel& model, const at::IValue& answer, int i) {
  const std::string& name = model.config.output(i).name();
  switch (model.binding.returns) {
    case Returns::kTensor:
      return answer.toTensor();
    case Returns::kTuple:
      return answer.toTupleRef().elements()[model.binding.positions[i]].toTensor();
    case Returns::kList: {
      const c10::List<at::Tensor> list = answer.toTensorList();
      if (model.binding.positions[i] < list.size()) return list.get(model.binding.positions[i]);
      return NotThere(name, fmt::format("a list of {}", list.size()));
    }
    case Returns::kDict: {
      const c10::Dict<at::IValue, at::IValue> dict = answer.toGenericDict();
      const auto found = dict.find(name);
      if (found != dict.end()) return found->value().toTensor();
      return NotThere(name, fmt::format("a dictionary of {} without that key", dict.size()));
    }
  }
  return NotThere(name, "nothing");
}

// Checks that an output has the datatype and shape of the configuration. `rows` are the request's.
absl::Status CheckOutput(const inference::ModelConfig& config, const inference::ModelOutput& output,
                         int64_t rows, const Tensor& tensor) {
  std::vector<int64_t> expected(output.dims().begin(), output.dims().end());
  if (config.max_batch_size() > 0) expected.insert(expected.begin(), rows);
  const bool fits = std::equal(
      expected.begin(), expected.end(), tensor.shape.begin(), tensor.shape.end(),
      [](int64_t expected, int64_t found) { return expected == -1 || expected == found; });
  const DataType type = DataTypeOf(output);
  if (fits && tensor.datatype == type) return absl::OkStatus();
  return NotThere(
      output.name(),
      fmt::format("{} of shape {}; its configuration has {} of {}", DataTypeName(tensor.datatype),
                  ShapeString(tensor.shape), DataTypeName(type), ShapeString(expected)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Instance>> PytorchInstance::Create(
    std::shared_ptr<const ScriptedModel> model) {
  SOUVENIR_RETURN_IF_ERROR(UseTorchThreads(model->settings.threads));
  return std::unique_ptr<Instance>(new PytorchInstance(std::move(model)));
}

absl::StatusOr<InferenceResult> PytorchInstance::Run(const InferenceRequest& request) {
  SOUVENIR_RETURN_IF_ERROR(UseTorchThreads(model_->settings.threads));
  try {
    return CallForward(request);
  } catch (...) {
    return ForwardError(std::current_exception(), model_->config.name());
  }
}

absl::StatusOr<InferenceResult> PytorchInstance::CallForward(
    const InferenceRequest& request) const {
  const absl::Duration begun = Clock::System()->Monotonic();
  const c10::InferenceMode inference_mode;
  const torch::jit::GraphOptimizerEnabledGuard optimizer(model_->settings.optimize);
  SOUVENIR_ASSIGN_OR_RETURN(torch::jit::Kwargs arguments, Arguments(*model_, request.inputs));
  const at::IValue answer = model_->module.get_method("forward")({}, arguments);

  const inference::ModelConfig& config = model_->config;
  const bool batched = config.max_batch_size() > 0 && !request.inputs.empty();
  const int64_t rows = batched ? request.inputs[0].shape[0] : 1;
  InferenceResult result;
  for (const std::string& name : request.outputs) {
    const int i = IndexOf(config.output(), name);
    if (i == config.output_size()) {
      return absl::InvalidArgumentError(
          fmt::format("model {} has no output '{}'", config.name(), name));
    }
    SOUVENIR_ASSIGN_OR_RETURN(const at::Tensor tensor, Pick(*model_, answer, i));
    SOUVENIR_ASSIGN_OR_RETURN(Tensor output, FromTorch(tensor, name));
    SOUVENIR_RETURN_IF_ERROR(CheckOutput(config, config.output(i), rows, output));
    result.outputs.push_back(std::move(output));
  }
  result.compute_time = Clock::System()->Monotonic() - begun;
  return result;
}

}  // namespace souvenir::compute
