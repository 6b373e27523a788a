#pragma once

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/tensor/datatype.h"
#include "gateway/catalog/catalog.h"

namespace souvenir::gateway {

// An input whose tensor is not there yet, as far as it is known: the input of a step, for example,
// that is an output of another step. Holds views.
struct InputForm {
  std::string_view name;
  std::optional<DataType> datatype;
  std::optional<absl::Span<const int64_t>> shape;
};

// Checks inputs against what the model declares, as far as both are known. INVALID_ARGUMENT for an
// input that the model does not have or that comes twice, for one that is missing, and for another
// datatype or shape than declared.
absl::Status CheckInputForms(const CatalogModel& model, absl::Span<const InputForm> inputs);

// Checks only the datatype of one input.
absl::Status CheckInputDatatype(const CatalogModel& model, std::string_view input,
                                DataType datatype);

// Returns the declaration of an output; "" means the only one. INVALID_ARGUMENT, with the outputs
// there are, if the model declares none of that name, or several. Null if the model declares
// nothing.
absl::StatusOr<const OutputDeclaration*> FindOutput(const CatalogModel& model,
                                                    std::string_view name);

}  // namespace souvenir::gateway
