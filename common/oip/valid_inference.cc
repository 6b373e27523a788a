#include "common/oip/valid_inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "common/oip/model_tensors.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

using inference::ModelConfig;
using inference::ModelInferRequest;

// Returns the shape that an input must have, with -1 for any size. It includes the batch dimension.
std::string ExpectedShape(const ModelConfig& config, const inference::ModelInput& input) {
  std::vector<int64_t> shape(input.dims().begin(), input.dims().end());
  if (config.max_batch_size() > 0) shape.insert(shape.begin(), -1);
  return ShapeString(shape);
}

absl::Status CheckShape(const ModelConfig& config, const inference::ModelInput& input,
                        const TensorView& tensor) {
  absl::Span<const int64_t> shape = tensor.shape;
  const bool batched = config.max_batch_size() > 0;
  const auto dims = absl::MakeConstSpan(input.dims().data(), input.dims().size());
  bool same = shape.size() == dims.size() + (batched ? 1 : 0);
  if (same && batched) shape.remove_prefix(1);
  for (size_t i = 0; same && i < dims.size(); ++i) same = dims[i] == -1 || shape[i] == dims[i];
  if (!same) {
    return absl::InvalidArgumentError(fmt::format(
        "input '{}' has the shape {}; it must be {}{}", tensor.name, ShapeString(tensor.shape),
        ExpectedShape(config, input), batched ? ", where the first dimension is the batch" : ""));
  }
  if (batched && (tensor.shape[0] < 1 || tensor.shape[0] > config.max_batch_size())) {
    return absl::InvalidArgumentError(
        fmt::format("input '{}' has a batch of {} rows; it must have 1 to {}", tensor.name,
                    tensor.shape[0], config.max_batch_size()));
  }
  return absl::OkStatus();
}

// Refuses the parameters of protocol extensions that change an answer or its destination.
template <typename Tensor>
absl::Status CheckParameters(std::string_view kind, const Tensor& tensor) {
  for (const auto& [name, value] : tensor.parameters()) {
    if (name.rfind("shared_memory", 0) == 0 || name == "classification") {
      return absl::InvalidArgumentError(
          fmt::format("{} '{}': the parameter '{}' is not supported", kind, tensor.name(), name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorView>> MatchInputs(const ModelConfig& config,
                                                    absl::Span<const TensorView> tensors) {
  for (const TensorView& tensor : tensors) {
    const bool known = std::any_of(
        config.input().begin(), config.input().end(),
        [&](const inference::ModelInput& input) { return input.name() == tensor.name; });
    if (!known) {
      return absl::InvalidArgumentError(fmt::format("there is no input '{}'; model '{}' has {}",
                                                    tensor.name, config.name(),
                                                    NamesOf(config.input())));
    }
  }
  std::vector<TensorView> inputs;
  inputs.reserve(tensors.size());
  for (const inference::ModelInput& input : config.input()) {
    const auto tensor = std::find_if(tensors.begin(), tensors.end(), [&](const TensorView& tensor) {
      return tensor.name == input.name();
    });
    if (tensor == tensors.end()) {
      if (input.optional()) continue;
      return absl::InvalidArgumentError(fmt::format(
          "input '{}' is missing; model '{}' expects {} of shape {}", input.name(), config.name(),
          DataTypeName(DataTypeOf(input)), ExpectedShape(config, input)));
    }
    if (tensor->datatype != DataTypeOf(input)) {
      return absl::InvalidArgumentError(fmt::format("input '{}' has the datatype {}; it must be {}",
                                                    tensor->name, DataTypeName(tensor->datatype),
                                                    DataTypeName(DataTypeOf(input))));
    }
    SOUVENIR_RETURN_IF_ERROR(CheckShape(config, input, *tensor));
    if (config.max_batch_size() > 0 && !inputs.empty() &&
        inputs.front().shape[0] != tensor->shape[0]) {
      return absl::InvalidArgumentError(fmt::format(
          "input '{}' has {} rows and input '{}' has {}; the numbers must be equal",
          inputs.front().name, inputs.front().shape[0], tensor->name, tensor->shape[0]));
    }
    inputs.push_back(*tensor);
  }
  if (inputs.empty()) {
    return absl::InvalidArgumentError(fmt::format("the request has no input; model '{}' has {}",
                                                  config.name(), NamesOf(config.input())));
  }
  return inputs;
}

absl::Status CheckOutputs(const ModelConfig& config, const ModelInferRequest& request) {
  const auto& outputs = request.outputs();
  for (auto requested = outputs.begin(); requested != outputs.end(); ++requested) {
    const bool known = std::any_of(
        config.output().begin(), config.output().end(),
        [&](const inference::ModelOutput& output) { return output.name() == requested->name(); });
    if (!known) {
      return absl::InvalidArgumentError(fmt::format("there is no output '{}'; model '{}' has {}",
                                                    requested->name(), config.name(),
                                                    NamesOf(config.output())));
    }
    if (std::any_of(outputs.begin(), requested,
                    [&](const auto& before) { return before.name() == requested->name(); })) {
      return absl::InvalidArgumentError(
          fmt::format("output '{}' is requested twice", requested->name()));
    }
    SOUVENIR_RETURN_IF_ERROR(CheckParameters("output", *requested));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ValidInference> ValidateInference(const ModelConfig& config,
                                                 const ModelInferRequest& request) {
  for (const auto& input : request.inputs()) {
    SOUVENIR_RETURN_IF_ERROR(CheckParameters("input", input));
  }
  SOUVENIR_ASSIGN_OR_RETURN(MessageTensors tensors, MessageTensors::FromRequest(request));
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<TensorView> inputs, MatchInputs(config, tensors.tensors()));
  SOUVENIR_RETURN_IF_ERROR(CheckOutputs(config, request));
  const int64_t rows = config.max_batch_size() > 0 ? inputs.front().shape[0] : 1;
  return ValidInference{std::move(tensors), std::move(inputs), rows};
}

std::vector<std::string> OutputsToAnswer(const ModelConfig& config,
                                         const ModelInferRequest& request) {
  std::vector<std::string> outputs;
  for (const auto& requested : request.outputs()) outputs.push_back(requested.name());
  if (outputs.empty()) {
    for (const auto& output : config.output()) outputs.push_back(output.name());
  }
  return outputs;
}

}  // namespace souvenir
