#include <fmt/format.h>

#include <cstdint>

#include "common/tensor/elements.h"
#include "compute-service/backends/builtin/functions/functions.h"

namespace souvenir::compute {
namespace {

absl::StatusOr<std::vector<Tensor>> Run(absl::Span<const TensorView> inputs) {
  const std::vector<int64_t> values = ToElements<int64_t>(inputs[0].data);
  const int64_t rows = inputs[0].shape[0];
  const size_t width = values.size() / static_cast<size_t>(rows);
  std::vector<int64_t> sums;
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    int64_t sum = 0;
    for (size_t i = row * width; i < (row + 1) * width; ++i) {
      int64_t square = 0;
      if (__builtin_mul_overflow(values[i], values[i], &square) ||
          __builtin_add_overflow(sum, square, &sum)) {
        return absl::InvalidArgumentError(fmt::format(
            "row {} of input 'VALUES': the sum of its squares does not fit into 64 bits", row));
      }
    }
    sums.push_back(sum);
  }
  return std::vector<Tensor>{{"SUM", DataType::kInt64, {rows, 1}, FromElements<int64_t>(sums)}};
}

}  // namespace

Function SumOfSquaresFunction() {
  return {.name = "sum_of_squares",
          .max_batch_size = 64,
          .inputs = {{"VALUES", inference::TYPE_INT64, {-1}}},
          .outputs = {{"SUM", inference::TYPE_INT64, {1}}},
          .create = [](const inference::ModelConfig&) -> absl::StatusOr<Compute> {
            return Compute(Run);
          }};
}

}  // namespace souvenir::compute
