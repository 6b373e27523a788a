#include "common/tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "common/tensor/bytes_elements.h"

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

std::string Refusal(const Tensor& tensor) {
  const absl::Status status = ValidateTensor(tensor.view());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

std::string Frame(const std::vector<std::string>& elements) {
  std::string data;
  for (const std::string& element : elements) AppendBytesElement(element, &data);
  return data;
}

TEST(TensorTest, ShowsShapes) {
  EXPECT_EQ(ShapeString({}), "[]");
  EXPECT_EQ(ShapeString({2, -1, 16}), "[2, -1, 16]");
}

TEST(TensorTest, CountsElements) {
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({2, 3, 4}), 24);
  EXPECT_EQ(ElementCount({2, 0, 4}), 0);
  EXPECT_EQ(ElementCount({2, -1}), std::nullopt);
  EXPECT_EQ(ElementCount({kMost, 2}), std::nullopt);
  EXPECT_EQ(ElementCount({kMost, 1}), kMost);
}

TEST(TensorTest, AcceptsWhatMatchesItsShape) {
  for (const Tensor& tensor :
       {Tensor{"t", DataType::kInt32, {2, 2}, std::string(16, 'x')},
        Tensor{"t", DataType::kFp16, {}, "xx"}, Tensor{"t", DataType::kBool, {0}, ""},
        Tensor{"t", DataType::kBytes, {2, 1}, Frame({"one", ""})},
        Tensor{"t", DataType::kBytes, {0}, ""}}) {
    EXPECT_TRUE(ValidateTensor(tensor.view()).ok()) << ValidateTensor(tensor.view());
  }
}

TEST(TensorTest, RefusesNamesAndShapesThatCannotBeStored) {
  const std::string longest(kMaxNameBytes, 'n');
  EXPECT_TRUE(ValidateTensor({longest, DataType::kBool, {}, "x"}).ok());
  EXPECT_THAT(Refusal({longest + "n", DataType::kBool, {}, "x"}),
              AllOf(HasSubstr("65536 bytes"), HasSubstr("65535")));
  std::vector<int64_t> shape(kMaxDimensions, 1);
  EXPECT_TRUE(ValidateTensor({"t", DataType::kBool, shape, "x"}).ok());
  shape.push_back(1);
  EXPECT_THAT(Refusal({"t", DataType::kBool, shape, "x"}),
              AllOf(HasSubstr("'t'"), HasSubstr("256 dimensions"), HasSubstr("255")));
}

TEST(TensorTest, RefusesWhatDoesNotAndSaysWhatCame) {
  EXPECT_THAT(Refusal({"t", DataType::kInt32, {2, 2}, "short"}),
              AllOf(HasSubstr("'t'"), HasSubstr("5 bytes"), HasSubstr("4 elements of INT32")));
  EXPECT_THAT(Refusal({"t", DataType::kInt64, {kMost}, ""}), HasSubstr("0 bytes"));
  EXPECT_THAT(Refusal({"t", DataType::kInt32, {2, -2}, ""}), HasSubstr("[2, -2]"));
  EXPECT_THAT(Refusal({"t", DataType::kInvalid, {0}, ""}), HasSubstr("no datatype"));
  EXPECT_THAT(Refusal({"t", DataType::kBytes, {2}, Frame({"one"})}),
              AllOf(HasSubstr("2 BYTES elements"), HasSubstr("hold 1")));
  EXPECT_THAT(Refusal({"t", DataType::kBytes, {1}, Frame({"one", "two"})}),
              HasSubstr("7 bytes follow"));
  EXPECT_THAT(Refusal({"t", DataType::kBytes, {1}, "\x09"}), HasSubstr("1 bytes that are not"));
}

TEST(TensorTest, ManyElementsThatDoNotComeCostNothing) {
  EXPECT_THAT(Refusal({"t", DataType::kBytes, {kMost}, Frame({"one"})}), HasSubstr("hold 1"));
}

TEST(TensorTest, SplitsRowsOfFixedSize) {
  const Tensor tensor{"t", DataType::kInt16, {3, 2}, "aabbccddeeff"};
  const std::vector<int64_t> row_shape = {1, 2};
  const std::vector<TensorView> rows = SplitRows(tensor.view(), row_shape);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].data, "aabb");
  EXPECT_EQ(rows[2].data, "eeff");
  EXPECT_EQ(rows[1].name, "t");
  EXPECT_EQ(rows[1].datatype, DataType::kInt16);
  EXPECT_EQ(rows[1].shape.data(), row_shape.data());
}

TEST(TensorTest, SplitsRowsOfBytes) {
  const Tensor tensor{"t", DataType::kBytes, {2, 2}, Frame({"a", "", "long element", "d"})};
  const std::vector<int64_t> row_shape = {1, 2};
  const std::vector<TensorView> rows = SplitRows(tensor.view(), row_shape);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].data, Frame({"a", ""}));
  EXPECT_EQ(rows[1].data, Frame({"long element", "d"}));
}

TEST(TensorTest, NoRowsAreNoRows) {
  EXPECT_TRUE(SplitRows(Tensor{"t", DataType::kInt8, {0, 4}, ""}.view(), {}).empty());
}

}  // namespace
}  // namespace souvenir
