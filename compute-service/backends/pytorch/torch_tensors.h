#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/statusor.h"
#include "common/tensor/tensor.h"

namespace souvenir::compute {

// Converts a valid tensor to one of libtorch. The result owns a copy of the bytes if `copy` is true
// or they are not aligned. Otherwise it refers to the same bytes, which must outlive it and every
// tensor made from it, and must not be written to. INVALID_ARGUMENT for a BOOL other than 0 and 1,
// which is undefined in C++, and for a datatype that libtorch does not have.
absl::StatusOr<at::Tensor> ToTorch(const TensorView& view, bool copy);

// Converts a tensor of libtorch; always copies. INTERNAL if the protocol has no such tensor, as for
// complex, quantized and sparse ones. Throws the exceptions of libtorch.
absl::StatusOr<Tensor> FromTorch(const at::Tensor& tensor, std::string name);

}  // namespace souvenir::compute
