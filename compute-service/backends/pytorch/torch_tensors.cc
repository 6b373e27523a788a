#include "compute-service/backends/pytorch/torch_tensors.h"

#include <ATen/core/ivalue.h>  // before ops/, which clang cannot read without it in C++20
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "compute-service/backends/pytorch/datatypes.h"

namespace souvenir::compute {

absl::StatusOr<at::Tensor> ToTorch(const TensorView& view, bool copy) {
  const std::optional<c10::ScalarType> type = TorchTypeOf(view.datatype);
  if (!type) {
    return absl::InvalidArgumentError(fmt::format("input '{}': libtorch has no {}; it supports {}",
                                                  view.name, DataTypeName(view.datatype),
                                                  TorchTypeNames()));
  }
  if (view.datatype == DataType::kBool) {
    const auto odd = std::find_if(view.data.begin(), view.data.end(),
                                  [](char byte) { return static_cast<unsigned char>(byte) > 1; });
    if (odd != view.data.end()) {
      return absl::InvalidArgumentError(
          fmt::format("input '{}': BOOL element {} is {}; it must be 0 or 1", view.name,
                      odd - view.data.begin(), static_cast<unsigned char>(*odd)));
    }
  }
  const at::IntArrayRef shape(view.shape.data(), view.shape.size());
  const bool aligned =
      reinterpret_cast<uintptr_t>(view.data.data()) % DataTypeSize(view.datatype) == 0;
  if (copy || !aligned || view.data.empty()) {
    at::Tensor tensor = at::empty(shape, *type);
    if (!view.data.empty()) std::memcpy(tensor.data_ptr(), view.data.data(), view.data.size());
    return tensor;
  }
  // libtorch has no tensors of constant bytes. The caller asks for a copy if they may be written.
  return at::from_blob(const_cast<char*>(view.data.data()), shape, *type);
}

absl::StatusOr<Tensor> FromTorch(const at::Tensor& tensor, std::string name) {
  if (!tensor.defined()) {
    return absl::InternalError(fmt::format("output '{}': the model answered no tensor", name));
  }
  const std::optional<DataType> type = DataTypeOfTorch(tensor.scalar_type());
  if (!type || tensor.layout() != c10::kStrided) {
    return absl::InternalError(fmt::format(
        "output '{}': the model answered a {} tensor of layout {}; it must be strided and one of "
        "{}",
        name, c10::toString(tensor.scalar_type()), fmt::streamed(tensor.layout()),
        TorchTypeNames()));
  }
  // Moves the tensor to the CPU, applies lazy conjugation and negation, and makes it row-major.
  const at::Tensor plain = tensor.cpu().resolve_conj().resolve_neg().contiguous();
  Tensor result;
  result.name = std::move(name);
  result.datatype = *type;
  result.shape.assign(plain.sizes().begin(), plain.sizes().end());
  result.data.assign(static_cast<const char*>(plain.data_ptr()), plain.nbytes());
  return result;
}

}  // namespace souvenir::compute
