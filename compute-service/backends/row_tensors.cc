#include "compute-service/backends/row_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "common/status_macros.h"
#include "compute-service/backends/model_parameters.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;

std::string Described(absl::Span<const RowTensor> tensors) {
  std::vector<std::string> each;
  for (const RowTensor& tensor : tensors) {
    each.push_back(fmt::format("\"{}\" of {}", tensor.name, inference::DataType_Name(tensor.type)));
  }
  return fmt::format("{}, each with dims [1]", fmt::join(each, ", "));
}

absl::Status Refused(const ModelConfig& config, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("model {}: {}", config.name(), what));
}

template <typename ModelTensors>
absl::Status Complete(absl::Span<const RowTensor> expected, std::string_view kind,
                      const ModelConfig& config, ModelTensors* tensors) {
  if (tensors->empty()) {
    for (const RowTensor& tensor : expected) {
      auto* added = tensors->Add();
      added->set_name(std::string(tensor.name));
      added->set_data_type(tensor.type);
      added->add_dims(1);
    }
    return absl::OkStatus();
  }
  std::vector<std::string_view> seen;
  for (const auto& tensor : *tensors) {
    const auto found = std::find_if(expected.begin(), expected.end(), [&](const RowTensor& one) {
      return one.name == tensor.name();
    });
    if (found == expected.end() || found->type != tensor.data_type() || tensor.dims_size() != 1 ||
        tensor.dims(0) != 1) {
      return Refused(config,
                     fmt::format("{} \"{}\" is {} with dims [{}]; expected {}", kind, tensor.name(),
                                 inference::DataType_Name(tensor.data_type()),
                                 fmt::join(tensor.dims(), ", "), Described(expected)));
    }
    if (std::find(seen.begin(), seen.end(), found->name) != seen.end()) {
      return Refused(config, fmt::format("{} \"{}\" is declared twice", kind, found->name));
    }
    seen.push_back(found->name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CompleteRowInputs(absl::Span<const RowTensor> inputs, ModelConfig* config) {
  SOUVENIR_RETURN_IF_ERROR(Complete(inputs, "input", *config, config->mutable_input()));
  if (static_cast<size_t>(config->input_size()) == inputs.size()) return absl::OkStatus();
  return Refused(*config, fmt::format("it has {} inputs; expected {}", config->input_size(),
                                      Described(inputs)));
}

absl::Status CompleteRowOutputs(absl::Span<const RowTensor> outputs, ModelConfig* config) {
  return Complete(outputs, "output", *config, config->mutable_output());
}

absl::Status FixedParameter(const std::string& name, const std::string& value,
                            std::string_view engine, ModelConfig* config) {
  DefaultParameter(name, value, config);
  const std::string& found = config->parameters().at(name).string_value();
  if (found == value) return absl::OkStatus();
  return Refused(*config, fmt::format("{} is \"{}\"; {}'s models support only \"{}\"", name, found,
                                      engine, value));
}

}  // namespace souvenir::compute
