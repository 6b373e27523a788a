#include "common/tensor/datatype.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace souvenir {
namespace {

TEST(DataTypeTest, NamesAndSizesAreTheProtocols) {
  const struct {
    DataType type;
    std::string_view name;
    size_t size;
  } kTypes[] = {{DataType::kBool, "BOOL", 1},     {DataType::kUint8, "UINT8", 1},
                {DataType::kUint16, "UINT16", 2}, {DataType::kUint32, "UINT32", 4},
                {DataType::kUint64, "UINT64", 8}, {DataType::kInt8, "INT8", 1},
                {DataType::kInt16, "INT16", 2},   {DataType::kInt32, "INT32", 4},
                {DataType::kInt64, "INT64", 8},   {DataType::kFp16, "FP16", 2},
                {DataType::kFp32, "FP32", 4},     {DataType::kFp64, "FP64", 8},
                {DataType::kBytes, "BYTES", 0},   {DataType::kBf16, "BF16", 2}};
  for (const auto& [type, name, size] : kTypes) {
    EXPECT_EQ(DataTypeName(type), name);
    EXPECT_EQ(DataTypeSize(type), size) << name;
    EXPECT_EQ(ParseDataType(name), type) << name;
  }
}

TEST(DataTypeTest, OtherNamesAreNone) {
  for (const std::string_view name : {"", "INVALID", "int32", "INT32 ", "STRING", "TYPE_INT32"}) {
    EXPECT_EQ(ParseDataType(name), std::nullopt) << name;
  }
  EXPECT_EQ(DataTypeName(static_cast<DataType>(200)), "INVALID");
  EXPECT_EQ(DataTypeSize(static_cast<DataType>(200)), 0u);
}

}  // namespace
}  // namespace souvenir
