#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/statusor.h"
#include "common/tensor/tensor.h"

namespace souvenir::compute {

// A valid tensor as libtorch has it: over the same bytes, which must outlive it and every tensor
// made from it, or over a copy of its own where `copy` says so, or where the bytes are not aligned.
// INVALID_ARGUMENT for a BOOL that is neither 0 nor 1, which is no value to C++, and for a datatype
// that libtorch does not have.
absl::StatusOr<at::Tensor> ToTorch(const TensorView& view, bool copy);

// The other way, always a copy. INTERNAL where the protocol has no such tensor: complex, quantized,
// sparse. May throw what libtorch throws.
absl::StatusOr<Tensor> FromTorch(const at::Tensor& tensor, std::string name);

}  // namespace souvenir::compute
