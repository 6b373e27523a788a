#include "cache/origin_numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache/entry_codec.h"

namespace souvenir::cache {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

OriginPtr OfModel(const std::string& model) { return Origin::Create({"t", model, "1", "digest"}); }

TEST(OriginNumbersTest, EqualOriginsHaveOneNumber) {
  OriginNumbers numbers;
  EXPECT_EQ(numbers.NumberOf(*OfModel("a")), 0u);
  EXPECT_EQ(numbers.NumberOf(*OfModel("b")), 1u);
  EXPECT_EQ(numbers.NumberOf(*OfModel("a")), 0u);
  EXPECT_EQ(numbers.Get(1)->model(), "b");
  EXPECT_EQ(numbers.Get(2), nullptr);
}

TEST(OriginNumbersTest, NamesDoNotRunTogether) {
  OriginNumbers numbers;
  EXPECT_NE(numbers.NumberOf(*Origin::Create({"a", "bc", "", ""})),
            numbers.NumberOf(*Origin::Create({"ab", "c", "", ""})));
}

TEST(OriginNumbersTest, WhatIsUnsavedIsSoUntilItIsSaved) {
  OriginNumbers numbers;
  numbers.NumberOf(*OfModel("a"));
  EXPECT_THAT(numbers.Unsaved(), SizeIs(1));
  EXPECT_THAT(numbers.Unsaved(), SizeIs(1)) << "a write may have failed";
  numbers.Saved();
  EXPECT_THAT(numbers.Unsaved(), IsEmpty());
}

TEST(OriginNumbersTest, NumbersGoOnBehindThoseThatWereRestored) {
  OriginNumbers numbers;
  ASSERT_TRUE(numbers.Restore(3, EncodeOrigin(3, OfModel("d")->fields())).ok());
  EXPECT_EQ(numbers.NumberOf(*OfModel("d")), 3u);
  EXPECT_EQ(numbers.NumberOf(*OfModel("e")), 4u);
  EXPECT_EQ(numbers.Get(1), nullptr);
  EXPECT_THAT(numbers.Unsaved(), SizeIs(1));
}

TEST(OriginNumbersTest, ADamagedOneIsRefused) {
  OriginNumbers numbers;
  const std::string bytes = EncodeOrigin(3, OfModel("d")->fields());
  EXPECT_EQ(numbers.Restore(4, bytes).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(numbers.Restore(OriginNumbers::kMost, bytes).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace souvenir::cache
