#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>

#include "common/tensor/datatype.h"

namespace souvenir::compute {

// The datatypes that both the protocol and libtorch have: BOOL, UINT8, INT8, INT16, INT32, INT64,
// FP16, BF16, FP32 and FP64. Nothing for any other.
std::optional<c10::ScalarType> TorchTypeOf(DataType type);
std::optional<DataType> DataTypeOfTorch(c10::ScalarType type);

// "BOOL, UINT8, ..."; for messages.
std::string TorchTypeNames();

}  // namespace souvenir::compute
