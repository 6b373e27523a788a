#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>

#include "common/tensor/datatype.h"

namespace souvenir::compute {

// Convert the datatypes that both the protocol and libtorch have: BOOL, UINT8, INT8, INT16, INT32,
// INT64, FP16, BF16, FP32 and FP64. Return nullopt for any other type.
std::optional<c10::ScalarType> TorchTypeOf(DataType type);
std::optional<DataType> DataTypeOfTorch(c10::ScalarType type);

// Returns the names of those datatypes for messages: "BOOL, UINT8, ...".
std::string TorchTypeNames();

}  // namespace souvenir::compute
