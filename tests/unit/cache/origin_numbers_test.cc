#include "cache/origin_numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache/entry_codec.h"

namespace souvenir::cache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

uint64_t NoEpochs(const Origin&) { return 0; }

OriginPtr OfModel(const std::string& model) { return Origin::Create({"t", model, "1", "digest"}); }

TEST(OriginNumbersTest, EqualOriginsHaveOneNumber) {
  OriginNumbers numbers;
  EXPECT_EQ(numbers.NumberOf(*OfModel("a"), {}), 0u);
  EXPECT_EQ(numbers.NumberOf(*OfModel("b"), {}), 1u);
  EXPECT_EQ(numbers.NumberOf(*OfModel("a"), {}), 0u);
  EXPECT_EQ(numbers.Get(1)->model(), "b");
  EXPECT_EQ(numbers.Get(2), nullptr);
}

TEST(OriginNumbersTest, NamesDoNotRunTogether) {
  OriginNumbers numbers;
  EXPECT_NE(numbers.NumberOf(*Origin::Create({"a", "bc", "", ""}), {}),
            numbers.NumberOf(*Origin::Create({"ab", "c", "", ""}), {}));
}

TEST(OriginNumbersTest, WhatIsUnsavedIsSoUntilItIsSaved) {
  OriginNumbers numbers;
  numbers.NumberOf(*OfModel("a"), {});
  EXPECT_THAT(numbers.Unsaved(), SizeIs(1));
  EXPECT_THAT(numbers.Unsaved(), SizeIs(1)) << "a write may have failed";
  numbers.Saved();
  EXPECT_THAT(numbers.Unsaved(), IsEmpty());
}

TEST(OriginNumbersTest, NumbersGoOnBehindThoseThatWereRestored) {
  OriginNumbers numbers;
  ASSERT_TRUE(numbers.Restore(3, EncodeOrigin(3, OfModel("d")->fields()), 7, &NoEpochs).ok());
  EXPECT_EQ(numbers.NumberOf(*OfModel("d"), {}), 3u);
  EXPECT_EQ(numbers.NumberOf(*OfModel("e"), {}), 4u);
  EXPECT_EQ(numbers.Get(1), nullptr);
  EXPECT_THAT(numbers.Unsaved(), SizeIs(1));
}

TEST(OriginNumbersTest, ADamagedOneIsRefused) {
  OriginNumbers numbers;
  const std::string bytes = EncodeOrigin(3, OfModel("d")->fields());
  EXPECT_EQ(numbers.Restore(4, bytes, 0, &NoEpochs).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(numbers.Restore(3, bytes, 0, &NoEpochs).ok());
  EXPECT_EQ(numbers.Restore(3, bytes, 0, &NoEpochs).code(), absl::StatusCode::kDataLoss);
}

TEST(OriginNumbersTest, OneIsDroppedWithTheLastSegmentThatNamesIt) {
  OriginNumbers numbers;
  numbers.NumberOf(*OfModel("a"), {.segment = 1});
  numbers.NumberOf(*OfModel("b"), {.segment = 2});
  numbers.NumberOf(*OfModel("a"), {.segment = 3});
  numbers.NumberOf(*OfModel("c"), {.segment = 3});
  numbers.Saved();
  EXPECT_THAT(numbers.DropUnused(2, &NoEpochs), IsEmpty());
  EXPECT_THAT(numbers.DropUnused(3, &NoEpochs), ElementsAre(1u));
  EXPECT_EQ(numbers.Get(1), nullptr);
  EXPECT_EQ(numbers.Get(0)->model(), "a");
  EXPECT_EQ(numbers.NumberOf(*OfModel("b"), {.segment = 4}), 3u) << "1 is in old records";
}

TEST(OriginNumbersTest, OneIsDroppedWhenAllItsRecordsWereInvalidated) {
  OriginNumbers numbers;
  const auto epochs = [](const Origin& origin) -> uint64_t {
    return origin.model() == "a" ? 2 : 1;
  };
  numbers.NumberOf(*OfModel("a"), {.epochs = 1});
  numbers.NumberOf(*OfModel("b"), {.epochs = 1});
  EXPECT_THAT(numbers.DropUnused(0, epochs), ElementsAre(0u));
  EXPECT_EQ(numbers.size(), 1u);
  numbers.NumberOf(*OfModel("a"), {.epochs = 2});
  EXPECT_THAT(numbers.DropUnused(0, epochs), IsEmpty());
}

// Otherwise a restart would continue from a lower number.
TEST(OriginNumbersTest, TheHighestNumberIsKeptUntilThereIsAHigherOne) {
  OriginNumbers numbers;
  numbers.NumberOf(*OfModel("a"), {.segment = 1});
  numbers.NumberOf(*OfModel("b"), {.segment = 1});
  EXPECT_THAT(numbers.DropUnused(2, &NoEpochs), ElementsAre(0u));
  EXPECT_EQ(numbers.size(), 0u);
  EXPECT_EQ(numbers.NumberOf(*OfModel("c"), {.segment = 2}), 2u);
  EXPECT_THAT(numbers.DropUnused(2, &NoEpochs), ElementsAre(1u));
}

TEST(OriginNumbersTest, ThereAreNoMoreThanTheLimitHasRoomFor) {
  constexpr uint64_t kMost = 64 << 10;
  OriginNumbers numbers(kMost);
  size_t numbered = 0;
  for (int i = 0; i < 1000; ++i) {
    if (numbers.NumberOf(*OfModel("model" + std::to_string(i)), {})) ++numbered;
  }
  EXPECT_EQ(numbers.size(), numbered);
  EXPECT_LE(numbers.bytes(), kMost);
  EXPECT_GT(numbers.bytes(), kMost / 2);
  EXPECT_TRUE(numbers.NumberOf(*OfModel("model0"), {})) << "those that are there go on";
  (void)numbers.DropUnused(1, &NoEpochs);
  EXPECT_EQ(numbers.bytes(), 0u);
  EXPECT_TRUE(numbers.NumberOf(*OfModel("model999"), {}));
}

}  // namespace
}  // namespace souvenir::cache
