#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <string>

#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/builtin/functions/functions.h"

namespace souvenir::compute {
namespace {

// 32-bit addition and subtraction that wrap around on overflow.
int32_t Add(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
int32_t Subtract(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
}

absl::StatusOr<std::vector<int32_t>> ReadIntegers(const TensorView& input) {
  return ToElements<int32_t>(input.data);
}

absl::StatusOr<std::vector<int32_t>> ReadDecimals(const TensorView& input) {
  std::vector<int32_t> numbers;
  BytesElementReader elements(input.data);
  while (const std::optional<std::string_view> element = elements.Next()) {
    int32_t number = 0;
    const auto [end, error] =
        std::from_chars(element->data(), element->data() + element->size(), number);
    if (error != std::errc() || end != element->data() + element->size()) {
      return absl::InvalidArgumentError(
          fmt::format("input '{}': element {} of {} bytes is not a decimal number of 32 bits",
                      input.name, numbers.size(), element->size()));
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::string WriteIntegers(const std::vector<int32_t>& numbers) {
  return FromElements<int32_t>(numbers);
}

std::string WriteDecimals(const std::vector<int32_t>& numbers) {
  std::string data;
  for (const int32_t number : numbers) AppendBytesElement(std::to_string(number), &data);
  return data;
}

template <auto read, auto write, DataType datatype>
absl::StatusOr<std::vector<Tensor>> SumAndDifference(absl::Span<const TensorView> inputs) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<int32_t> a, read(inputs[0]));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<int32_t> b, read(inputs[1]));
  std::vector<int32_t> sum(a.size());
  std::vector<int32_t> difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    sum[i] = Add(a[i], b[i]);
    difference[i] = Subtract(a[i], b[i]);
  }
  const std::vector<int64_t> shape(inputs[0].shape.begin(), inputs[0].shape.end());
  return std::vector<Tensor>{{"OUTPUT0", datatype, shape, write(sum)},
                             {"OUTPUT1", datatype, shape, write(difference)}};
}

Function AddSub(std::string_view name, inference::DataType type,
                absl::StatusOr<Compute> (*create)(const inference::ModelConfig&)) {
  return {.name = name,
          .max_batch_size = 8,
          .inputs = {{"INPUT0", type, {16}}, {"INPUT1", type, {16}}},
          .outputs = {{"OUTPUT0", type, {16}}, {"OUTPUT1", type, {16}}},
          .create = create};
}

}  // namespace

Function SimpleFunction() {
  return AddSub("simple", inference::TYPE_INT32,
                [](const inference::ModelConfig&) -> absl::StatusOr<Compute> {
                  return Compute(SumAndDifference<ReadIntegers, WriteIntegers, DataType::kInt32>);
                });
}

Function SimpleStringFunction() {
  return AddSub("simple_string", inference::TYPE_STRING,
                [](const inference::ModelConfig&) -> absl::StatusOr<Compute> {
                  return Compute(SumAndDifference<ReadDecimals, WriteDecimals, DataType::kBytes>);
                });
}

}  // namespace souvenir::compute
