#include "common/cut_text.h"

#include <gtest/gtest.h>

namespace souvenir {
namespace {

TEST(CutTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutText("abc", 3), "abc");
  EXPECT_EQ(CutText("abc", 2), "ab");
  EXPECT_EQ(CutText("a\u00f1b", 3), "a\u00f1");
  EXPECT_EQ(CutText("a\u00f1b", 2), "a");
  EXPECT_EQ(CutText("\U0001F600", 3), "");
  EXPECT_EQ(CutText("", 0), "");
}

TEST(CutTextTest, AnyBytesHaveABeginning) {
  EXPECT_EQ(CutText("\x80\x80\x80", 2), "");
  EXPECT_EQ(CutText("a\xff\xff", 2), "a\xff");
}

TEST(ShortenedTest, SaysThatSomethingIsMissing) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "abc...");
  EXPECT_EQ(Shortened("a\u00f1b", 2), "a...");
}

}  // namespace
}  // namespace souvenir
