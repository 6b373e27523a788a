// Compares answers with values that are computed here, in plain loops.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/compute-service/backends/pytorch/pytorch_fixture.h"

namespace souvenir::compute {
namespace {

using testing::ElementsAre;
using Rows = std::vector<std::vector<double>>;

// Returns numbers between -1 and 1 that are the same in every run.
std::vector<float> SomeFloats(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 8) / static_cast<float>(1 << 23) - 1.0F;
  }
  return values;
}

Weight SomeWeight(std::string name, std::vector<int64_t> shape, uint32_t seed) {
  size_t count = 1;
  for (const int64_t dimension : shape) count *= static_cast<size_t>(dimension);
  return {std::move(name), std::move(shape), SomeFloats(count, seed)};
}

Rows AsRows(const std::vector<float>& values, size_t columns) {
  Rows rows;
  for (size_t i = 0; i < values.size(); i += columns) {
    rows.emplace_back(values.begin() + static_cast<ptrdiff_t>(i),
                      values.begin() + static_cast<ptrdiff_t>(i + columns));
  }
  return rows;
}
Rows AsRows(const Weight& weight) {
  return AsRows(weight.values, static_cast<size_t>(weight.shape[1]));
}

Rows Product(const Rows& a, const Rows& b) {
  Rows product(a.size(), std::vector<double>(b[0].size(), 0));
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b[0].size(); ++j) {
      for (size_t k = 0; k < b.size(); ++k) product[i][j] += a[i][k] * b[k][j];
    }
  }
  return product;
}

Rows Transposed(const Rows& a) {
  Rows transposed(a[0].size(), std::vector<double>(a.size()));
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < a[0].size(); ++j) transposed[j][i] = a[i][j];
  }
  return transposed;
}

void ExpectNear(const std::vector<float>& found, const Rows& expected) {
  size_t i = 0;
  for (const std::vector<double>& row : expected) {
    for (const double value : row) {
      ASSERT_LT(i, found.size());
      EXPECT_NEAR(found[i++], value, 1e-5) << "element " << i;
    }
  }
  EXPECT_EQ(i, found.size());
}

class NumbersTest : public PytorchTest {};

TEST_F(NumbersTest, AnAdderAdds) {
  const auto answer =
      Answer("def forward(self, x, y):\n  return x + y\n", kTwoToOne,
             {Floats("INPUT__0", {1, 2.5, -3}), Floats("INPUT__1", {10, 20, 30})}, {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->outputs.size(), 1u);
  EXPECT_EQ(answer->outputs[0].name, "OUTPUT__0");
  EXPECT_EQ(answer->outputs[0].datatype, DataType::kFp32);
  EXPECT_THAT(answer->outputs[0].shape, ElementsAre(3));
  EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(11.0F, 22.5F, 27.0F));
  EXPECT_GT(answer->compute_time, absl::ZeroDuration());
}

TEST_F(NumbersTest, APerceptronOfTwoLayers) {
  const std::vector<Weight> weights = {SomeWeight("w1", {4, 8}, 1), SomeWeight("b1", {1, 8}, 2),
                                       SomeWeight("w2", {8, 3}, 3), SomeWeight("b2", {1, 3}, 4)};
  SaveScripted(file(),
               "def forward(self, x):\n"
               "  hidden = torch.relu(torch.mm(x, self.w1) + self.b1)\n"
               "  return torch.mm(hidden, self.w2) + self.b2\n",
               weights);
  const auto model = Load(
      "max_batch_size: 4 "
      "input { name: 'INPUT__0' data_type: TYPE_FP32 dims: 4 } "
      "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: 3 }");
  ASSERT_TRUE(model.ok()) << model.status();
  const std::vector<float> input = SomeFloats(12, 5);
  const auto answer =
      Run(**model, {TensorOf("INPUT__0", DataType::kFp32, {3, 4}, input)}, {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();

  Rows hidden = Product(AsRows(input, 4), AsRows(weights[0]));
  bool any_below_zero = false;
  for (std::vector<double>& row : hidden) {
    for (size_t j = 0; j < row.size(); ++j) {
      row[j] += weights[1].values[j];
      any_below_zero = any_below_zero || row[j] < 0;
      row[j] = std::max(0.0, row[j]);
    }
  }
  EXPECT_TRUE(any_below_zero) << "ReLU had nothing to do";
  Rows expected = Product(hidden, AsRows(weights[2]));
  for (std::vector<double>& row : expected) {
    for (size_t j = 0; j < row.size(); ++j) row[j] += weights[3].values[j];
  }
  EXPECT_THAT(answer->outputs[0].shape, ElementsAre(3, 3));
  ExpectNear(ValuesOf<float>(answer->outputs[0]), expected);
}

TEST_F(NumbersTest, AnAttentionBlock) {
  constexpr size_t kTokens = 5;
  constexpr size_t kWidth = 8;
  const std::vector<Weight> weights = {
      SomeWeight("query", {kWidth, kWidth}, 11), SomeWeight("key", {kWidth, kWidth}, 12),
      SomeWeight("value", {kWidth, kWidth}, 13), SomeWeight("out", {kWidth, kWidth}, 14)};
  SaveScripted(file(),
               "def forward(self, x):\n"
               "  q = torch.matmul(x, self.query)\n"
               "  k = torch.matmul(x, self.key)\n"
               "  v = torch.matmul(x, self.value)\n"
               "  scores = torch.matmul(q, k.transpose(-2, -1)) / float(x.size(-1)) ** 0.5\n"
               "  return torch.matmul(torch.matmul(torch.softmax(scores, -1), v), self.out)\n",
               weights);
  const auto model = Load(
      "max_batch_size: 2 "
      "input { name: 'INPUT__0' data_type: TYPE_FP32 dims: [ -1, 8 ] } "
      "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: [ -1, 8 ] }");
  ASSERT_TRUE(model.ok()) << model.status();
  const std::vector<float> input = SomeFloats(2 * kTokens * kWidth, 15);
  const auto answer = Run(
      **model, {TensorOf("INPUT__0", DataType::kFp32, {2, kTokens, kWidth}, input)}, {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();

  Rows expected;
  const Rows tokens = AsRows(input, kWidth);
  for (size_t row = 0; row < 2; ++row) {
    const Rows x(tokens.begin() + static_cast<ptrdiff_t>(row * kTokens),
                 tokens.begin() + static_cast<ptrdiff_t>((row + 1) * kTokens));
    Rows scores =
        Product(Product(x, AsRows(weights[0])), Transposed(Product(x, AsRows(weights[1]))));
    for (std::vector<double>& token : scores) {
      double sum = 0;
      for (double& score : token) {
        score = std::exp(score / std::sqrt(double{kWidth}));
        sum += score;
      }
      for (double& score : token) score /= sum;
    }
    const Rows mixed = Product(Product(scores, Product(x, AsRows(weights[2]))), AsRows(weights[3]));
    expected.insert(expected.end(), mixed.begin(), mixed.end());
  }
  EXPECT_THAT(answer->outputs[0].shape, ElementsAre(2, 5, 8));
  ExpectNear(ValuesOf<float>(answer->outputs[0]), expected);
}

TEST_F(NumbersTest, EveryDatatypePassesBothWays) {
  SaveScripted(file(), "def forward(self, x):\n  return torch.cat([x, x])\n");
  const std::pair<DataType, const char*> cases[] = {
      {DataType::kBool, "TYPE_BOOL"},   {DataType::kUint8, "TYPE_UINT8"},
      {DataType::kInt8, "TYPE_INT8"},   {DataType::kInt16, "TYPE_INT16"},
      {DataType::kInt32, "TYPE_INT32"}, {DataType::kInt64, "TYPE_INT64"},
      {DataType::kFp16, "TYPE_FP16"},   {DataType::kBf16, "TYPE_BF16"},
      {DataType::kFp32, "TYPE_FP32"},   {DataType::kFp64, "TYPE_FP64"}};
  for (const auto& [type, name] : cases) {
    const auto model = Load(std::string("input { name: 'x' data_type: ") + name + " dims: 3 } " +
                            "output { name: 'OUTPUT__0' data_type: " + name + " dims: 6 }");
    ASSERT_TRUE(model.ok()) << model.status();
    Tensor input{"x", type, {3}, std::string(3 * DataTypeSize(type), '\1')};
    input.data[0] = 0;
    const auto answer = Run(**model, {input}, {"OUTPUT__0"});
    ASSERT_TRUE(answer.ok()) << name << ": " << answer.status();
    EXPECT_EQ(answer->outputs[0].datatype, type);
    EXPECT_EQ(answer->outputs[0].data, input.data + input.data) << name;
  }
}

TEST_F(NumbersTest, TensorsOfNoDimensionAndOfNoElement) {
  const auto scalar = Answer("def forward(self, x):\n  return x * 2\n",
                             "input { name: 'x' data_type: TYPE_FP32 } "
                             "output { name: 'OUTPUT__0' data_type: TYPE_FP32 }",
                             {TensorOf<float>("x", DataType::kFp32, {}, {21})}, {"OUTPUT__0"});
  ASSERT_TRUE(scalar.ok()) << scalar.status();
  EXPECT_TRUE(scalar->outputs[0].shape.empty());
  EXPECT_THAT(ValuesOf<float>(scalar->outputs[0]), ElementsAre(42.0F));
  const auto empty = Answer("def forward(self, x):\n  return x * 2\n", kOneToOne,
                            {Floats("INPUT__0", {})}, {"OUTPUT__0"});
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_THAT(empty->outputs[0].shape, ElementsAre(0));
  EXPECT_TRUE(empty->outputs[0].data.empty());
}

TEST_F(NumbersTest, WhatIsNotInRowMajorOrderIsPutSo) {
  const auto answer =
      Answer("def forward(self, x):\n  return x.transpose(0, 1)\n",
             "input { name: 'x' data_type: TYPE_FP32 dims: [ 2, 3 ] } "
             "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: [ 3, 2 ] }",
             {TensorOf<float>("x", DataType::kFp32, {2, 3}, {1, 2, 3, 4, 5, 6})}, {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->outputs[0].shape, ElementsAre(3, 2));
  EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(1, 4, 2, 5, 3, 6));
}

}  // namespace
}  // namespace souvenir::compute
