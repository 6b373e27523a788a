#include "compute-service/backends/builtin/builtin_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/builtin/function.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

ModelDescription Describe(const std::string& name) {
  ModelDescription description;
  description.config.set_name(name);
  description.config.set_backend("builtin");
  return description;
}

void Set(const std::string& name, const std::string& value, ModelDescription* description) {
  (*description->config.mutable_parameters())[name].set_string_value(value);
}

template <typename Element>
Tensor Numbers(const std::string& name, DataType type, std::vector<int64_t> shape,
               const std::vector<Element>& values) {
  return {name, type, std::move(shape), FromElements<Element>(values)};
}

Tensor Texts(const std::string& name, std::vector<int64_t> shape,
             const std::vector<std::string>& texts) {
  Tensor tensor{name, DataType::kBytes, std::move(shape), ""};
  for (const std::string& text : texts) AppendBytesElement(text, &tensor.data);
  return tensor;
}

std::vector<std::string> TextsOf(const Tensor& tensor) {
  std::vector<std::string> texts;
  BytesElementReader reader(tensor.data);
  while (const auto text = reader.Next()) texts.emplace_back(*text);
  return texts;
}

class BuiltinBackendTest : public ::testing::Test {
 protected:
  // Returns all outputs of the model in the order of its configuration.
  absl::StatusOr<std::vector<Tensor>> Ask(ModelDescription description,
                                          const std::vector<Tensor>& inputs) {
    const absl::Status complete = backend_.Complete(&description);
    if (!complete.ok()) return complete;
    std::vector<std::string> outputs;
    for (const auto& output : description.config.output()) outputs.push_back(output.name());
    auto model = backend_.Load(description, nullptr);
    EXPECT_TRUE(model.ok());
    auto instance = (*model)->CreateInstance();
    EXPECT_TRUE(instance.ok());
    std::vector<TensorView> views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    auto result = (*instance)->Run({.inputs = views, .outputs = outputs});
    if (!result.ok()) return result.status();
    for (const Tensor& output : result->outputs) EXPECT_TRUE(ValidateTensor(output.view()).ok());
    return std::move(result->outputs);
  }

  absl::Status Complete(ModelDescription description) { return backend_.Complete(&description); }

  BuiltinBackend backend_;
};

TEST_F(BuiltinBackendTest, SimpleAddsAndSubtracts) {
  std::vector<int32_t> a(16);
  std::iota(a.begin(), a.end(), 0);
  const std::vector<int32_t> b(16, 1);
  const auto outputs = Ask(Describe("simple"), {Numbers("INPUT0", DataType::kInt32, {1, 16}, a),
                                                Numbers("INPUT1", DataType::kInt32, {1, 16}, b)});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ((*outputs)[0].name, "OUTPUT0");
  EXPECT_THAT((*outputs)[0].shape, ElementsAre(1, 16));
  EXPECT_THAT(ToElements<int32_t>((*outputs)[0].data),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
  EXPECT_THAT(ToElements<int32_t>((*outputs)[1].data),
              ElementsAre(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14));
}

TEST_F(BuiltinBackendTest, SimpleStringDoesSoWithText) {
  const std::vector<std::string> a(16, "7");
  const std::vector<std::string> b(16, "-9");
  const auto outputs =
      Ask(Describe("simple_string"), {Texts("INPUT0", {1, 16}, a), Texts("INPUT1", {1, 16}, b)});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(TextsOf((*outputs)[0]), ElementsAreArray(std::vector<std::string>(16, "-2")));
  EXPECT_THAT(TextsOf((*outputs)[1]), ElementsAreArray(std::vector<std::string>(16, "16")));
  EXPECT_THAT(Message(Ask(Describe("simple_string"),
                          {Texts("INPUT0", {1, 16}, a),
                           Texts("INPUT1", {1, 16}, std::vector<std::string>(16, "seven"))})
                          .status()),
              HasSubstr("input 'INPUT1': element 0 of 5 bytes is not a decimal number"));
}

TEST_F(BuiltinBackendTest, IdentitiesGiveBackWhatTheyAreGiven) {
  const Tensor texts = Texts("INPUT0", {2, 1}, {std::string("\0\xff", 2), ""});
  auto outputs = Ask(Describe("simple_identity"), {texts});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ((*outputs)[0].data, texts.data);
  const Tensor numbers = Numbers<int32_t>("INPUT0", DataType::kInt32, {1, 2}, {1, -1});
  ModelDescription delayed = Describe("custom_identity_int32");
  Set("execute_delay_ms", "1", &delayed);
  outputs = Ask(delayed, {numbers});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ((*outputs)[0].data, numbers.data);
  EXPECT_THAT((*outputs)[0].shape, ElementsAre(1, 2));
}

TEST_F(BuiltinBackendTest, ADelayThatMakesNoSenseIsRefused) {
  for (const char* delay : {"-1", "soon", "3600001", "1x"}) {
    ModelDescription description = Describe("custom_identity_int32");
    Set("execute_delay_ms", delay, &description);
    EXPECT_THAT(Message(Complete(description)), HasSubstr(delay));
  }
}

TEST_F(BuiltinBackendTest, TextStatsCountsWordsOfAnyScript) {
  const auto outputs =
      Ask(Describe("text_stats"),
          {Texts("TEXT", {5, 1},
                 {"The cat saw the dog.\nIt ran.", "", "\n", "¿Qué? ¡QUÉ! 42", "a\n"})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(ToElements<int64_t>((*outputs)[0].data), ElementsAre(7, 0, 0, 3, 1));
  EXPECT_THAT(ToElements<int64_t>((*outputs)[1].data), ElementsAre(2, 0, 1, 1, 1));
  EXPECT_THAT(ToElements<int64_t>((*outputs)[2].data), ElementsAre(6, 0, 0, 2, 1));
  EXPECT_THAT(Message(Ask(Describe("text_stats"), {Texts("TEXT", {1, 1}, {"\xff"})}).status()),
              HasSubstr("not UTF-8"));
}

// Tests by division, whereas the function uses a sieve.
bool IsPrime(int64_t number) {
  if (number < 2) return false;
  for (int64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return true;
}

TEST_F(BuiltinBackendTest, PrimesAreThoseOfDivision) {
  for (const auto& [first, last] : {std::pair<int64_t, int64_t>{0, 0},
                                    {0, 100},
                                    {2, 2},
                                    {24, 28},
                                    {999'900, 1'000'100},
                                    {999'999'999'900, 1'000'000'000'000}}) {
    std::vector<int64_t> expected;
    for (int64_t number = first; number <= last; ++number) {
      if (IsPrime(number)) expected.push_back(number);
    }
    const auto outputs =
        Ask(Describe("primes"), {Numbers<int64_t>("FIRST", DataType::kInt64, {1}, {first}),
                                 Numbers<int64_t>("LAST", DataType::kInt64, {1}, {last})});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_EQ(ToElements<int64_t>((*outputs)[0].data), expected) << first << " to " << last;
    EXPECT_THAT(ToElements<int64_t>((*outputs)[1].data),
                ElementsAre(static_cast<int64_t>(expected.size())));
  }
}

TEST_F(BuiltinBackendTest, PrimesOfARangeThatMakesNoSenseAreRefused) {
  for (const auto& [first, last] : {std::pair<int64_t, int64_t>{-1, 5},
                                    {5, 4},
                                    {0, 10'000'001},
                                    {999'999'999'999, 1'000'000'000'001}}) {
    const absl::Status status =
        Ask(Describe("primes"), {Numbers<int64_t>("FIRST", DataType::kInt64, {1}, {first}),
                                 Numbers<int64_t>("LAST", DataType::kInt64, {1}, {last})})
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(status), HasSubstr(std::to_string(last)));
  }
}

TEST_F(BuiltinBackendTest, SumOfSquaresSumsEachRow) {
  const auto outputs =
      Ask(Describe("sum_of_squares"),
          {Numbers<int64_t>("VALUES", DataType::kInt64, {2, 3}, {1, 2, 3, -4, 0, 5})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(ToElements<int64_t>((*outputs)[0].data), ElementsAre(14, 41));
  EXPECT_THAT(Message(Ask(Describe("sum_of_squares"),
                          {Numbers<int64_t>("VALUES", DataType::kInt64, {2, 1}, {1, 1LL << 32})})
                          .status()),
              HasSubstr("row 1"));
}

TEST_F(BuiltinBackendTest, AModelOfAnotherNameNamesItsFunction) {
  ModelDescription description = Describe("squares");
  EXPECT_THAT(Message(Complete(description)),
              HasSubstr("there is no built-in function \"squares\""));
  Set("function", "sum_of_squares", &description);
  EXPECT_TRUE(Ask(description, {Numbers<int64_t>("VALUES", DataType::kInt64, {1, 1}, {3})}).ok());
}

TEST_F(BuiltinBackendTest, RefusesByNameWhatTheFunctionHasNot) {
  ModelDescription parameter = Describe("primes");
  Set("execute_delay_ms", "1", &parameter);
  EXPECT_THAT(Message(Complete(parameter)), HasSubstr("\"execute_delay_ms\" is unknown"));
  ModelDescription batch = Describe("simple");
  batch.config.set_max_batch_size(9);
  EXPECT_THAT(Message(Complete(batch)),
              HasSubstr("max_batch_size is 9; it must be between 0 and 8"));
  ModelDescription tensor = Describe("simple");
  tensor.config.add_input()->set_name("INPUT7");
  EXPECT_THAT(Message(Complete(tensor)), HasSubstr("\"INPUT0\" of TYPE_INT32 with dims [16]"));
}

TEST_F(BuiltinBackendTest, EveryFunctionHasADigestOfItsOwn) {
  std::map<std::string, std::string_view> digests;
  for (const Function& function : Functions()) {
    ModelDescription description = Describe(std::string(function.name));
    ASSERT_TRUE(backend_.Complete(&description).ok());
    const auto digest = backend_.Digest(description);
    ASSERT_TRUE(digest.ok());
    EXPECT_TRUE(digests.emplace(*digest, function.name).second) << function.name;
  }
}

}  // namespace
}  // namespace souvenir::compute
