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

// A view of a named tensor. It refers to a name, a shape and bytes that others own and that must
// outlive it. Cheap to copy.
//
// `data` is the protocol's raw form: row-major and little-endian, with each BYTES element after its
// 4-byte little-endian length.
struct TensorView {
  std::string_view name;
  DataType datatype = DataType::kInvalid;
  absl::Span<const int64_t> shape;
  std::string_view data;
};

// A named tensor that owns its bytes.
struct Tensor {
  std::string name;
  DataType datatype = DataType::kInvalid;
  std::vector<int64_t> shape;
  std::string data;

  TensorView view() const { return {name, datatype, shape, data}; }
};

// Limits of dimensions and of names, beyond those of any model.
inline constexpr size_t kMaxDimensions = 255;
inline constexpr size_t kMaxNameBytes = 65'535;

// Returns a shape as text, "[2, 16]", for messages.
std::string ShapeString(absl::Span<const int64_t> shape);

// Returns the number of elements of `shape`; 1 for a scalar. Returns nullopt if a dimension is
// negative or the product does not fit into 63 bits.
std::optional<int64_t> ElementCount(absl::Span<const int64_t> shape);

// Checks that the bytes of `tensor` match its datatype and shape exactly, framing of BYTES
// included, and that its name and shape are within the limits. INVALID_ARGUMENT names the tensor,
// its fault and the expected form.
absl::Status ValidateTensor(const TensorView& tensor);

// Splits a valid tensor of shape [n, ...] along its first dimension. Each row is a view with the
// tensor's name, the bytes of the row, and the shape `row_shape`. REQUIRES: ValidateTensor(tensor)
// is OK; the shape has a first dimension; `row_shape` is [1, ...] and outlives the rows.
std::vector<TensorView> SplitRows(const TensorView& tensor, absl::Span<const int64_t> row_shape);

}  // namespace souvenir
