#include "cli/table.h"

#include <gtest/gtest.h>

namespace souvenir::cli {
namespace {

using Align = Table::Align;

TEST(TableTest, AlignsCellsByCodePointsAndTrimsLines) {
  Table table({Align::kLeft, Align::kRight, Align::kLeft});
  table.Add({"tier", "time", "note"});
  table.Add({"memory", "5 µs", "a longer note"});
  table.Add({"d", "100 ms"});
  EXPECT_EQ(table.Render(),
            "tier      time  note\n"
            "memory    5 µs  a longer note\n"
            "d       100 ms\n");
}

TEST(TableTest, IndentsEachLine) {
  Table table({Align::kLeft});
  EXPECT_TRUE(table.empty());
  table.Add({"a"});
  table.Add({"b"});
  EXPECT_EQ(table.Render(2), "  a\n  b\n");
}

}  // namespace
}  // namespace souvenir::cli
