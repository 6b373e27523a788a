#include "common/tensor/tensor_codec.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/require.h"

namespace souvenir {
namespace {

// Larger batches are not split, because callers of SplitRows() check their size before.
constexpr int64_t kMostRows = 1000;

void CheckRows(const TensorView& tensor) {
  if (!ValidateTensor(tensor).ok() || tensor.shape.empty() || tensor.shape[0] > kMostRows) return;
  std::vector<int64_t> row_shape(tensor.shape.begin(), tensor.shape.end());
  row_shape[0] = 1;
  const std::vector<TensorView> rows = SplitRows(tensor, row_shape);
  Require(static_cast<int64_t>(rows.size()) == tensor.shape[0], "the tensor has as many rows");
  std::string together;
  for (const TensorView& row : rows) {
    Require(ValidateTensor(row).ok(), "a row of a valid tensor is valid");
    together.append(row.data);
  }
  Require(together == tensor.data, "the rows have the bytes of the tensor");
}

void Try(std::string_view bytes) {
  const auto decoded = DecodedTensors::Decode(bytes);
  if (!decoded.ok()) {
    Require(absl::IsInvalidArgument(decoded.status()), "an error is INVALID_ARGUMENT");
    return;
  }
  std::vector<TensorView> tensors;
  for (size_t i = 0; i < decoded->size(); ++i) {
    tensors.push_back((*decoded)[i]);
    Require(decoded->Find(tensors.back().name).has_value(), "a tensor is found by its name");
    CheckRows(tensors.back());
  }
  Require(EncodeTensors(tensors) == bytes, "decoding and encoding keep the bytes");
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
