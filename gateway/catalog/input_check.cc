#include "gateway/catalog/input_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/name_list.h"
#include "common/oip/model_tensors.h"
#include "common/status_macros.h"
#include "common/tensor/tensor.h"

namespace souvenir::gateway {
namespace {

// The declaration of an input by a model.
struct Declared {
  std::string_view name;
  std::optional<DataType> datatype;
  std::optional<std::vector<int64_t>> shape;  // with -1 for any size, and with the batch
  bool optional = false;
};

std::vector<Declared> DeclaredInputs(const CatalogModel& model) {
  std::vector<Declared> declared;
  const auto& config = model.known.config();
  for (const auto& input : config.input()) {
    std::vector<int64_t> shape(input.dims().begin(), input.dims().end());
    if (config.max_batch_size() > 0) shape.insert(shape.begin(), -1);
    declared.push_back({.name = input.name(),
                        .datatype = DataTypeOf(input),
                        .shape = std::move(shape),
                        .optional = input.optional()});
  }
  if (!declared.empty()) return declared;
  // A server of another make may tell its metadata alone.
  for (const auto& input : model.known.metadata().inputs()) {
    declared.push_back({.name = input.name(), .datatype = ParseDataType(input.datatype())});
  }
  return declared;
}

bool Fits(absl::Span<const int64_t> shape, const std::vector<int64_t>& declared) {
  return shape.size() == declared.size() &&
         std::equal(shape.begin(), shape.end(), declared.begin(),
                    [](int64_t size, int64_t wanted) { return wanted == -1 || size == wanted; });
}

absl::Status CheckForm(const InputForm& input, const Declared& declared) {
  if (input.datatype && declared.datatype && *input.datatype != *declared.datatype) {
    return absl::InvalidArgumentError(fmt::format("input '{}' has the datatype {}; it must be {}",
                                                  declared.name, DataTypeName(*input.datatype),
                                                  DataTypeName(*declared.datatype)));
  }
  if (input.shape && declared.shape && !Fits(*input.shape, *declared.shape)) {
    return absl::InvalidArgumentError(fmt::format("input '{}' has the shape {}; it must be {}",
                                                  declared.name, ShapeString(*input.shape),
                                                  ShapeString(*declared.shape)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckInputForms(const CatalogModel& model, absl::Span<const InputForm> inputs) {
  const std::vector<Declared> declared = DeclaredInputs(model);
  std::vector<bool> given(declared.size());
  for (const InputForm& input : inputs) {
    const auto found = std::find_if(declared.begin(), declared.end(), [&](const Declared& known) {
      return known.name == input.name;
    });
    if (found == declared.end()) {
      if (declared.empty()) continue;  // the model's server knows
      NameList names(input.name);
      for (const Declared& known : declared) names.Add(known.name);
      return absl::InvalidArgumentError(fmt::format("there is no input '{}'; model '{}' has {}",
                                                    names.word(), model.name(), names.Text()));
    }
    const auto place = static_cast<size_t>(found - declared.begin());
    if (given[place]) {
      return absl::InvalidArgumentError(fmt::format("input '{}' comes twice", found->name));
    }
    given[place] = true;
    SOUVENIR_RETURN_IF_ERROR(CheckForm(input, *found));
  }
  for (size_t i = 0; i < declared.size(); ++i) {
    if (given[i] || declared[i].optional) continue;
    return absl::InvalidArgumentError(
        fmt::format("input '{}' is missing; model '{}' expects {}", declared[i].name, model.name(),
                    declared[i].datatype ? DataTypeName(*declared[i].datatype) : "a tensor"));
  }
  return absl::OkStatus();
}

absl::Status CheckInputDatatype(const CatalogModel& model, std::string_view input,
                                DataType datatype) {
  for (const Declared& declared : DeclaredInputs(model)) {
    if (declared.name == input) return CheckForm({.name = input, .datatype = datatype}, declared);
  }
  return absl::OkStatus();
}

absl::StatusOr<const OutputDeclaration*> FindOutput(const CatalogModel& model,
                                                    std::string_view name) {
  if (model.declared.empty()) return nullptr;
  if (name.empty() && model.declared.size() == 1) return &model.declared.front();
  for (const OutputDeclaration& output : model.declared) {
    if (output.name == name) return &output;
  }
  NameList names(name);
  for (const OutputDeclaration& output : model.declared) names.Add(output.name);
  if (name.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("model '{}' has several outputs, and none was named; there are: {}",
                    model.name(), names.Text()));
  }
  return absl::InvalidArgumentError(fmt::format("model '{}' has no output '{}'; there are: {}",
                                                model.name(), names.word(), names.Text()));
}

}  // namespace souvenir::gateway
