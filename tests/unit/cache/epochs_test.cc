#include "cache/epochs.h"

#include <gtest/gtest.h>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

TEST(EpochTableTest, AStampIsCurrentUntilOneOfItsPlacesMovesOn) {
  EpochTable epochs;
  EpochStamp stamp;
  epochs.Stamp({EpochTable::All(), EpochTable::Model("m"), EpochTable::Tag("t")}, &stamp);
  EXPECT_TRUE(epochs.IsCurrent(stamp));
  epochs.Advance(EpochTable::Model("another"));
  EXPECT_TRUE(epochs.IsCurrent(stamp));
  epochs.Advance(EpochTable::Tag("t"));
  EXPECT_FALSE(epochs.IsCurrent(stamp));
}

TEST(EpochTableTest, NamesOfDifferentSortsAreApart) {
  EXPECT_NE(EpochTable::Model("x"), EpochTable::Tenant("x"));
  EXPECT_NE(EpochTable::Model("x"), EpochTable::Tag("x"));
}

// Slots are kept on disk, so a change of the hash would bring invalidated answers back.
TEST(EpochTableTest, PlacesStayWhereTheyAre) {
  EXPECT_EQ(EpochTable::All(), 0u);
  EXPECT_EQ(EpochTable::Model("apertium-eng-spa"), 536997u);
}

TEST(EpochTableTest, AnEpochThatWasKeptIsPutBack) {
  EpochTable epochs;
  EpochStamp stamp;
  epochs.Stamp({7}, &stamp);
  epochs.Restore(7, 41);
  EXPECT_FALSE(epochs.IsCurrent(stamp));
  EXPECT_EQ(epochs.Advance(7), 42u);
}

}  // namespace
}  // namespace souvenir::cache
