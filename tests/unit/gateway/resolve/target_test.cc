#include "gateway/resolve/target.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

class TargetTest : public testing::Test {
 protected:
  TargetTest() {
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TextModel("m", "in", "out");
    models.mutable_models(0)->mutable_metadata()->add_outputs()->set_name("also");
    catalog_.Update(models);
    plain_.model = *catalog_.snapshot()->Find("m", "");
  }

  cache::Fingerprint Ask(const Target::Spec& spec) const {
    return Target(spec).FingerprintOf({{"in", DataType::kBytes, shape_, "text"}});
  }

  Catalog catalog_{{}};
  Target::Spec plain_;
  const std::array<int64_t, 2> shape_ = {1, 1};
};

// Each of these can change an answer, and therefore makes another question.
TEST_F(TargetTest, WhateverMayChangeAnAnswerChangesTheFingerprint) {
  std::set<std::string> seen = {Ask(plain_).Hex()};
  const auto expect_new = [&](const char* what, const cache::Fingerprint& key) {
    EXPECT_TRUE(seen.insert(key.Hex()).second) << what;
  };
  Target::Spec spec = plain_;
  spec.version = "1";
  expect_new("version asked", Ask(spec));
  spec = plain_;
  spec.tenant = "t";
  expect_new("tenant", Ask(spec));
  spec = plain_;
  spec.outputs = {"out"};
  expect_new("outputs", Ask(spec));
  for (const auto& value : std::vector<decltype(Parameter::value)>{true, int64_t{1}, uint64_t{1},
                                                                   1.0, std::string("1"), false}) {
    spec = plain_;
    spec.parameters = {{"p", value}};
    expect_new("parameter", Ask(spec));
  }
  expect_new("digest", Target(plain_).WithDigest("other")->FingerprintOf(
                           {{"in", DataType::kBytes, shape_, "text"}}));
  const Target target(plain_);
  expect_new("input name", target.FingerprintOf({{"x", DataType::kBytes, shape_, "text"}}));
  expect_new("datatype", target.FingerprintOf({{"in", DataType::kUint8, shape_, "text"}}));
  expect_new("bytes", target.FingerprintOf({{"in", DataType::kBytes, shape_, "texts"}}));
  const std::array<int64_t, 1> flat = {1};
  expect_new("shape", target.FingerprintOf({{"in", DataType::kBytes, flat, "text"}}));
  expect_new("more inputs", target.FingerprintOf({{"in", DataType::kBytes, shape_, "text"},
                                                  {"in2", DataType::kBytes, shape_, "text"}}));
}

TEST_F(TargetTest, OrderChangesNothing) {
  Target::Spec some = plain_;
  some.outputs = {"also", "out"};
  some.parameters = {{"a", true}, {"b", false}};
  Target::Spec turned = plain_;
  turned.outputs = {"out", "also"};
  turned.parameters = {{"b", false}, {"a", true}};
  EXPECT_EQ(Ask(some), Ask(turned));

  const Target target(plain_);
  const TensorView a{"a", DataType::kBytes, shape_, "1"};
  const TensorView b{"b", DataType::kBytes, shape_, "2"};
  EXPECT_EQ(target.FingerprintOf({a, b}), target.FingerprintOf({b, a}));
}

TEST_F(TargetTest, AllOutputsByNameAreAllOutputs) {
  Target::Spec named = plain_;
  named.outputs = {"out", "also"};
  EXPECT_EQ(Ask(named), Ask(plain_));
}

TEST_F(TargetTest, ARowOfABatchIsTheSameAsABatchOfOne) {
  const std::array<int64_t, 2> two = {2, 1};
  const std::string data = std::string("\1\0\0\0a\1\0\0\0b", 10);
  const auto rows = SplitRows({"in", DataType::kBytes, two, data}, shape_);
  ASSERT_EQ(rows.size(), 2u);
  const Target target(plain_);
  EXPECT_EQ(
      target.FingerprintOf({rows[1]}),
      target.FingerprintOf({{"in", DataType::kBytes, shape_, std::string_view("\1\0\0\0b", 5)}}));
}

TEST_F(TargetTest, AFingerprintDoesNotDependOnWhatWasAskedBefore) {
  const std::array<int64_t, 1> flat = {1};
  const std::array<TensorView, 4> questions = {{{"in", DataType::kBytes, shape_, "text"},
                                                {"in", DataType::kBytes, flat, "text"},
                                                {"in", DataType::kUint8, shape_, "text"},
                                                {"other", DataType::kBytes, shape_, "text"}}};
  for (const TensorView& before : questions) {
    const Target target(plain_);
    (void)target.FingerprintOf({before});
    for (const TensorView& question : questions) {
      EXPECT_EQ(target.FingerprintOf({question}), Target(plain_).FingerprintOf({question}));
    }
  }
}

}  // namespace
}  // namespace souvenir::gateway
