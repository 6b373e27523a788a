#include "common/tensor/datatype.h"

#include <array>

namespace souvenir {
namespace {

struct Row {
  std::string_view name;
  size_t size;
};

// Indexed by DataType.
constexpr std::array<Row, 15> kTypes = {{{"INVALID", 0},
                                         {"BOOL", 1},
                                         {"UINT8", 1},
                                         {"UINT16", 2},
                                         {"UINT32", 4},
                                         {"UINT64", 8},
                                         {"INT8", 1},
                                         {"INT16", 2},
                                         {"INT32", 4},
                                         {"INT64", 8},
                                         {"FP16", 2},
                                         {"FP32", 4},
                                         {"FP64", 8},
                                         {"BYTES", 0},
                                         {"BF16", 2}}};

const Row& RowOf(DataType type) {
  const auto index = static_cast<size_t>(type);
  return kTypes[index < kTypes.size() ? index : 0];
}

}  // namespace

std::string_view DataTypeName(DataType type) { return RowOf(type).name; }

std::optional<DataType> ParseDataType(std::string_view name) {
  for (size_t i = 1; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

size_t DataTypeSize(DataType type) { return RowOf(type).size; }

}  // namespace souvenir
