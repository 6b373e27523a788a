#include "common/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

TEST(EditDistanceTest, CountsWhatWasTypedWrong) {
  EXPECT_EQ(EditDistance("translate", "translate", 3), 0u);
  EXPECT_EQ(EditDistance("tranlsate", "translate", 3), 1u);  // neighbours exchanged
  EXPECT_EQ(EditDistance("translte", "translate", 3), 1u);
  EXPECT_EQ(EditDistance("transslate", "translate", 3), 1u);
  EXPECT_EQ(EditDistance("Trenslate", "translate", 3), 1u);
  EXPECT_EQ(EditDistance("", "abc", 3), 3u);
  EXPECT_EQ(EditDistance("abc", "xyz", 1), 2u);                 // limit + 1
  EXPECT_EQ(EditDistance(std::string(9999, 'a'), "a", 3), 4u);  // nothing is computed
}

TEST(NearestTest, OffersWhatWasMeant) {
  const std::vector<std::string> commands = {"cache", "languages", "models", "translate"};
  EXPECT_EQ(Nearest("tranlsate", commands), "translate");
  EXPECT_EQ(Nearest("model", commands), "models");
  EXPECT_EQ(Nearest("chache", commands), "cache");
  EXPECT_EQ(Nearest("lang", commands), "languages");  // a prefix
}

TEST(NearestTest, OffersNothingWhereNothingIsNear) {
  EXPECT_EQ(Nearest("delete", {"cache", "languages"}), "");
  EXPECT_EQ(Nearest("x", {"y"}), "");
  EXPECT_EQ(Nearest("apertium", {"apertium-en-es", "apertium-en-gl"}), "");  // ambiguous
  EXPECT_EQ(Nearest("anything", {}), "");
}

TEST(NearestTest, OffersTheNearestOfSeveral) {
  EXPECT_EQ(Nearest("apertium-en-ga", {"apertium-en-es", "apertium-en-gl"}), "apertium-en-gl");
}

}  // namespace
}  // namespace souvenir
