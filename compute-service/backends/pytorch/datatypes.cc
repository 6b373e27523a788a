#include "compute-service/backends/pytorch/datatypes.h"

#include <fmt/format.h>

namespace souvenir::compute {
namespace {

struct Pair {
  DataType type;
  c10::ScalarType torch_type;
};

constexpr Pair kPairs[] = {
    {DataType::kBool, c10::ScalarType::Bool},  {DataType::kUint8, c10::ScalarType::Byte},
    {DataType::kInt8, c10::ScalarType::Char},  {DataType::kInt16, c10::ScalarType::Short},
    {DataType::kInt32, c10::ScalarType::Int},  {DataType::kInt64, c10::ScalarType::Long},
    {DataType::kFp16, c10::ScalarType::Half},  {DataType::kBf16, c10::ScalarType::BFloat16},
    {DataType::kFp32, c10::ScalarType::Float}, {DataType::kFp64, c10::ScalarType::Double},
};

}  // namespace

std::optional<c10::ScalarType> TorchTypeOf(DataType type) {
  for (const Pair& pair : kPairs) {
    if (pair.type == type) return pair.torch_type;
  }
  return std::nullopt;
}

std::optional<DataType> DataTypeOfTorch(c10::ScalarType type) {
  for (const Pair& pair : kPairs) {
    if (pair.torch_type == type) return pair.type;
  }
  return std::nullopt;
}

std::string TorchTypeNames() {
  std::string names;
  for (const Pair& pair : kPairs) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", DataTypeName(pair.type));
  }
  return names;
}

}  // namespace souvenir::compute
