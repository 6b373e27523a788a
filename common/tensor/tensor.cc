#include "common/tensor/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/tensor/bytes_elements.h"

namespace souvenir {

std::string ShapeString(absl::Span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

std::optional<int64_t> ElementCount(absl::Span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(count, dimension, &count)) return std::nullopt;
  }
  return count;
}

absl::Status ValidateTensor(const TensorView& tensor) {
  if (tensor.name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        fmt::format("the name of a tensor has {} bytes, and the limit is {}", tensor.name.size(),
                    kMaxNameBytes));
  }
  if (tensor.shape.size() > kMaxDimensions) {
    return absl::InvalidArgumentError(
        fmt::format("tensor '{}' has {} dimensions, and the limit is {}", tensor.name,
                    tensor.shape.size(), kMaxDimensions));
  }
  const std::optional<int64_t> count = ElementCount(tensor.shape);
  if (!count) {
    return absl::InvalidArgumentError(
        fmt::format("tensor '{}': shape {} has a negative dimension or too many elements",
                    tensor.name, ShapeString(tensor.shape)));
  }
  if (tensor.datatype == DataType::kInvalid) {
    return absl::InvalidArgumentError(fmt::format("tensor '{}' has no datatype", tensor.name));
  }
  if (tensor.datatype == DataType::kBytes) {
    BytesElementReader reader(tensor.data);
    int64_t elements = 0;
    while (elements < *count && reader.Next()) ++elements;
    if (elements < *count) {
      return absl::InvalidArgumentError(fmt::format(
          "tensor '{}': shape {} has {} BYTES elements, but its {} bytes hold {}, each after its "
          "4-byte length, and then {} bytes that are not an element",
          tensor.name, ShapeString(tensor.shape), *count, tensor.data.size(), elements,
          reader.remaining()));
    }
    if (!reader.complete()) {
      return absl::InvalidArgumentError(
          fmt::format("tensor '{}': {} bytes follow the {} BYTES elements of shape {}", tensor.name,
                      reader.remaining(), *count, ShapeString(tensor.shape)));
    }
    return absl::OkStatus();
  }
  int64_t expected;
  if (__builtin_mul_overflow(*count, static_cast<int64_t>(DataTypeSize(tensor.datatype)),
                             &expected) ||
      static_cast<int64_t>(tensor.data.size()) != expected) {
    return absl::InvalidArgumentError(fmt::format(
        "tensor '{}' has {} bytes; it must have {} elements of {}, by its shape {}", tensor.name,
        tensor.data.size(), *count, DataTypeName(tensor.datatype), ShapeString(tensor.shape)));
  }
  return absl::OkStatus();
}

std::vector<TensorView> SplitRows(const TensorView& tensor, absl::Span<const int64_t> row_shape) {
  const int64_t count = tensor.shape[0];
  std::vector<TensorView> rows;
  rows.reserve(static_cast<size_t>(count));
  const auto add = [&](std::string_view data) {
    rows.push_back({tensor.name, tensor.datatype, row_shape, data});
  };
  if (tensor.datatype != DataType::kBytes) {
    const size_t size = count == 0 ? 0 : tensor.data.size() / static_cast<size_t>(count);
    for (int64_t i = 0; i < count; ++i)
      add(tensor.data.substr(static_cast<size_t>(i) * size, size));
    return rows;
  }
  const int64_t elements_per_row = ElementCount(row_shape).value_or(0);
  BytesElementReader reader(tensor.data);
  for (int64_t i = 0; i < count; ++i) {
    const size_t begin = tensor.data.size() - reader.remaining();
    for (int64_t element = 0; element < elements_per_row; ++element) reader.Next();
    const size_t end = tensor.data.size() - reader.remaining();
    add(tensor.data.substr(begin, end - begin));
  }
  return rows;
}

}  // namespace souvenir
