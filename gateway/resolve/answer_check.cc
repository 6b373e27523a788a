#include "gateway/resolve/answer_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"cache"};
LogLimit unfit_limit;

const OutputDeclaration* Find(const std::vector<OutputDeclaration>& declared,
                              std::string_view name) {
  const auto found =
      std::lower_bound(declared.begin(), declared.end(), name,
                       [](const OutputDeclaration& a, std::string_view b) { return a.name < b; });
  return found != declared.end() && found->name == name ? &*found : nullptr;
}

// Checks the shape of an output. `batched`: a dimension of rows comes before the declared
// dimensions.
absl::Status CheckDims(const TensorView& output, absl::Span<const int64_t> dims, bool batched) {
  const size_t first = batched ? 1 : 0;
  bool same = output.shape.size() == first + dims.size();
  for (size_t i = 0; same && i < dims.size(); ++i) {
    same = dims[i] == -1 || output.shape[first + i] == dims[i];
  }
  if (same) return absl::OkStatus();
  std::vector<int64_t> declared(dims.begin(), dims.end());
  if (batched) declared.insert(declared.begin(), -1);
  return absl::InternalError(fmt::format("output '{}': shape {} came, {} is declared", output.name,
                                         ShapeString(output.shape), ShapeString(declared)));
}

absl::Status CheckEntry(const cache::Entry& entry, const Target& target,
                        absl::Span<const TensorView> inputs) {
  SOUVENIR_ASSIGN_OR_RETURN(const DecodedTensors outputs, DecodedTensors::Decode(entry.value()));
  const std::optional<int64_t> rows = RowsToAnswer(target.model(), inputs);
  for (const std::string& name : target.outputs()) {
    const std::optional<TensorView> output = outputs.Find(name);
    if (!output) return absl::InternalError(fmt::format("output '{}' is missing", name));
    SOUVENIR_RETURN_IF_ERROR(ValidateTensor(*output));
    SOUVENIR_RETURN_IF_ERROR(CheckOutput(target.model(), *output, rows));
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<int64_t> RowsToAnswer(const CatalogModel& model,
                                    absl::Span<const TensorView> inputs) {
  if (model.max_batch == 0 || inputs.empty() || inputs.front().shape.empty()) return std::nullopt;
  return inputs.front().shape[0];
}

absl::Status CheckRows(const TensorView& output, std::optional<int64_t> rows) {
  if (!rows || (!output.shape.empty() && output.shape[0] == *rows)) return absl::OkStatus();
  return absl::InternalError(fmt::format("output '{}': shape {} came for {} rows", output.name,
                                         ShapeString(output.shape), *rows));
}

absl::Status CheckOutput(const CatalogModel& model, const TensorView& output,
                         std::optional<int64_t> rows) {
  SOUVENIR_RETURN_IF_ERROR(CheckRows(output, rows));
  const OutputDeclaration* const declared = Find(model.declared, output.name);
  if (declared == nullptr) return absl::OkStatus();
  if (declared->datatype != DataType::kInvalid && declared->datatype != output.datatype) {
    return absl::InternalError(fmt::format("output '{}': datatype {} came, {} is declared",
                                           output.name, DataTypeName(output.datatype),
                                           DataTypeName(declared->datatype)));
  }
  if (!declared->dims) return absl::OkStatus();
  return CheckDims(output, *declared->dims, model.max_batch > 0);
}

bool IsAnswerTo(const cache::Entry& entry, const Target& target,
                absl::Span<const TensorView> inputs) {
  if (entry.is_checked()) return true;
  // A refusal is only a message, so there is nothing to check.
  if (!entry.is_error()) {
    const absl::Status fits = CheckEntry(entry, target, inputs);
    if (!fits.ok()) {
      log.Warning(unfit_limit, "a cached answer does not fit its question, and is not served",
                  {{"model", target.model().name()},
                   {"key", entry.key.Hex()},
                   {"reason", fits.ToString()}});
      return false;
    }
  }
  entry.MarkChecked();
  return true;
}

}  // namespace souvenir::gateway
