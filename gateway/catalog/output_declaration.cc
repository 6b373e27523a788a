#include "gateway/catalog/output_declaration.h"

#include <algorithm>

#include "common/oip/model_tensors.h"

namespace souvenir::gateway {

std::vector<OutputDeclaration> DeclaredOutputs(const souvenir::state::v1::KnownModel& known) {
  const bool batched = known.config().max_batch_size() > 0;
  std::vector<OutputDeclaration> declared;
  for (const auto& output : known.config().output()) {
    // An output without a datatype is not a declaration; the metadata may have one.
    const DataType datatype = DataTypeOf(output);
    if (DataTypeName(datatype) == DataTypeName(DataType::kInvalid)) continue;
    declared.push_back({.name = output.name(),
                        .datatype = datatype,
                        .dims = std::vector<int64_t>(output.dims().begin(), output.dims().end())});
  }
  const size_t configured = declared.size();
  for (const auto& output : known.metadata().outputs()) {
    const auto end = declared.begin() + static_cast<ptrdiff_t>(configured);
    const bool has_come = std::any_of(declared.begin(), end, [&](const OutputDeclaration& before) {
      return before.name == output.name();
    });
    if (has_come) continue;
    OutputDeclaration declaration{.name = output.name()};
    declaration.datatype = ParseDataType(output.datatype()).value_or(DataType::kInvalid);
    if (!output.shape().empty()) {
      declaration.dims.emplace(output.shape().begin() + (batched ? 1 : 0), output.shape().end());
    }
    declared.push_back(std::move(declaration));
  }
  std::sort(declared.begin(), declared.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return declared;
}

}  // namespace souvenir::gateway
