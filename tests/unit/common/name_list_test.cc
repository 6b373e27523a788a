#include "common/name_list.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souvenir {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

std::string TextFor(std::string_view word, const std::vector<std::string>& names) {
  NameList list(word);
  for (const std::string& name : names) list.Add(name);
  return list.Text();
}

TEST(NameListTest, ANameThatIsNearComesFirstAndTheOthersKeepTheirOrder) {
  EXPECT_EQ(TextFor("prims", {"add", "primes", "simple", "prim"}), "primes, prim, add, simple");
  EXPECT_EQ(TextFor("apertium-en", {"add", "apertium-en-gl-old"}), "apertium-en-gl-old, add");
  EXPECT_EQ(TextFor("x", {"b", "a"}), "b, a");
  EXPECT_EQ(TextFor("x", {}), "none");
}

TEST(NameListTest, AListIsBoundedAndTellsHowManyAreLeftOut) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back(fmt::format("model {}", i));
  names.emplace_back("primes");
  const std::string text = TextFor("prims", names);
  EXPECT_THAT(text, StartsWith("primes, model 0, "));
  EXPECT_THAT(text, EndsWith(" and 981 more"));
}

TEST(NameListTest, LongNamesLeaveRoomForTheRestOfTheMessage) {
  const std::vector<std::string> names(10, std::string(255, 'n'));
  EXPECT_LE(TextFor("x", names).size(), NameList::kMostBytes + 255);
  EXPECT_THAT(TextFor("x", names), EndsWith(" and 7 more"));
  EXPECT_EQ(TextFor("x", {std::string(3000, 'n')}).size(), 3000u);
  EXPECT_EQ(NameList(std::string(5000, 'x')).word().size(), NameList::kMostWordBytes + 3);
}

}  // namespace
}  // namespace souvenir
