#include "compute-service/backends/builtin/builtin_backend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status_macros.h"
#include "compute-service/backends/builtin/function.h"
#include "compute-service/backends/model_parameters.h"

namespace souvenir::compute {
namespace {

constexpr char kFunctionParameter[] = "function";

absl::StatusOr<const Function*> FunctionOf(const inference::ModelConfig& config) {
  const std::string name(Parameter(config, kFunctionParameter).value_or(config.name()));
  if (const Function* const function = FindFunction(name)) return function;
  std::vector<std::string_view> names;
  for (const Function& function : Functions()) names.push_back(function.name);
  return absl::InvalidArgumentError(
      fmt::format("model {}: there is no built-in function \"{}\"; parameter \"{}\" must be one of "
                  "{}",
                  config.name(), name, kFunctionParameter, fmt::join(names, ", ")));
}

std::string TensorsText(const std::vector<FunctionTensor>& tensors) {
  std::string text;
  for (const FunctionTensor& tensor : tensors) {
    text += fmt::format("{}\"{}\" of {} with dims [{}]", text.empty() ? "" : ", ", tensor.name,
                        inference::DataType_Name(tensor.datatype), fmt::join(tensor.dims, ", "));
  }
  return text;
}

// Fills in the tensors if the configuration has none. INVALID_ARGUMENT if it has tensors that
// differ from the function's.
template <typename ModelTensors>
absl::Status CompleteTensors(const std::vector<FunctionTensor>& expected, std::string_view role,
                             const std::string& model, ModelTensors* tensors) {
  if (tensors->empty()) {
    for (const FunctionTensor& tensor : expected) {
      auto* const added = tensors->Add();
      added->set_name(std::string(tensor.name));
      added->set_data_type(tensor.datatype);
      for (const int64_t dimension : tensor.dims) added->add_dims(dimension);
    }
    return absl::OkStatus();
  }
  const bool same = std::equal(expected.begin(), expected.end(), tensors->begin(), tensors->end(),
                               [](const FunctionTensor& a, const auto& b) {
                                 return a.name == b.name() && a.datatype == b.data_type() &&
                                        std::equal(a.dims.begin(), a.dims.end(), b.dims().begin(),
                                                   b.dims().end());
                               });
  if (same) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("model {}: its {}s differ from those of the function, which are {}; leave them "
                  "out or correct them",
                  model, role, TensorsText(expected)));
}

class BuiltinInstance final : public Instance {
 public:
  BuiltinInstance(const Function& function, Compute compute)
      : function_(function), compute_(std::move(compute)) {}

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    const absl::Duration begun = Clock::System()->Monotonic();
    SOUVENIR_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, compute_(request.inputs));
    InferenceResult result;
    for (const std::string& name : request.outputs) {
      const auto found = std::find_if(function_.outputs.begin(), function_.outputs.end(),
                                      [&](const auto& output) { return output.name == name; });
      result.outputs.push_back(outputs[static_cast<size_t>(found - function_.outputs.begin())]);
    }
    result.compute_time = Clock::System()->Monotonic() - begun;
    return result;
  }

 private:
  const Function& function_;
  const Compute compute_;
};

class BuiltinModel final : public Model {
 public:
  BuiltinModel(const Function& function, inference::ModelConfig config)
      : function_(function), config_(std::move(config)) {}

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override {
    SOUVENIR_ASSIGN_OR_RETURN(Compute compute, function_.create(config_));
    return std::make_unique<BuiltinInstance>(function_, std::move(compute));
  }

 private:
  const Function& function_;
  const inference::ModelConfig config_;
};

}  // namespace

absl::Status BuiltinBackend::Complete(ModelDescription* description) {
  inference::ModelConfig& config = description->config;
  SOUVENIR_ASSIGN_OR_RETURN(const Function* const function, FunctionOf(config));
  std::vector<std::string_view> parameters = function->parameters;
  parameters.push_back(kFunctionParameter);
  SOUVENIR_RETURN_IF_ERROR(CheckParameterNames(config, "built-in", parameters));
  SOUVENIR_RETURN_IF_ERROR(
      CompleteTensors(function->inputs, "input", config.name(), config.mutable_input()));
  SOUVENIR_RETURN_IF_ERROR(
      CompleteTensors(function->outputs, "output", config.name(), config.mutable_output()));
  const int most = function->max_batch_size;
  if (config.max_batch_size() == 0) config.set_max_batch_size(most);
  if (config.max_batch_size() < 0 || config.max_batch_size() > most) {
    return absl::InvalidArgumentError(
        fmt::format("model {}: max_batch_size is {}; it must be between 0 and {}", config.name(),
                    config.max_batch_size(), most));
  }
  // An answer depends only on the input, and each of its rows only on that row of the input.
  if (!config.has_response_cache()) config.mutable_response_cache()->set_enable(true);
  if (most > 0) DefaultParameter("row_exact", "true", &config);
  DefaultParameter("deterministic_errors", "true", &config);
  DefaultParameter(kFunctionParameter, std::string(function->name), &config);
  return function->create(config).status();
}

absl::StatusOr<std::string> BuiltinBackend::Digest(const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(const Function* const function, FunctionOf(description.config));
  return fmt::format("{} {}", function->name, function->revision);
}

absl::StatusOr<std::vector<std::string>> BuiltinBackend::DigestedFiles(const ModelDescription&) {
  return std::vector<std::string>();
}

absl::StatusOr<std::unique_ptr<Model>> BuiltinBackend::Load(const ModelDescription& description,
                                                            const Cancellation*) {
  SOUVENIR_ASSIGN_OR_RETURN(const Function* const function, FunctionOf(description.config));
  return std::make_unique<BuiltinModel>(*function, description.config);
}

}  // namespace souvenir::compute
