#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/tensor/datatype.h"

namespace souvenir {

// A named tensor whose bytes belong to somebody else.
//
// `data` is the protocol's raw form: row-major, little-endian; BYTES elements each after their
// 4-byte little-endian length. A view is as cheap to copy as it looks, and valid as long as what it
// views.
struct TensorView {
  std::string_view name;
  DataType datatype = DataType::kInvalid;
  absl::Span<const int64_t> shape;
  std::string_view data;
};

// The same with its own bytes.
struct Tensor {
  std::string name;
  DataType datatype = DataType::kInvalid;
  std::vector<int64_t> shape;
  std::string data;

  TensorView view() const { return {name, datatype, shape, data}; }
};

// More than any model has, and what a stored tensor has room for (common/tensor/tensor_codec.h).
inline constexpr size_t kMaxDimensions = 255;
inline constexpr size_t kMaxNameBytes = 65'535;

// "[2, 16]"; for messages.
std::string ShapeString(absl::Span<const int64_t> shape);

// How many elements `shape` has: 1 for a scalar. Nothing when a dimension is negative or the
// product does not fit into 63 bits.
std::optional<int64_t> ElementCount(absl::Span<const int64_t> shape);

// Whether the bytes of `tensor` are exactly what its datatype and shape say, framing of BYTES
// included, and its name and shape within the limits. INVALID_ARGUMENT names the tensor, what came
// and what was expected.
absl::Status ValidateTensor(const TensorView& tensor);

// Cuts a valid tensor along its first dimension. Row i of shape [n, ...] is the view that shares
// the name, has the bytes of that row, and the shape `row_shape`, which is the caller's [1, ...]
// and must outlive the rows. REQUIRES: ValidateTensor(tensor) is OK and the shape has a first
// dimension.
std::vector<TensorView> SplitRows(const TensorView& tensor, absl::Span<const int64_t> row_shape);

}  // namespace souvenir
