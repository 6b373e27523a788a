#include "common/escape_controls.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace souvenir {
namespace {

TEST(EscapeControlsTest, ShowsWhatATerminalOrALogWouldObey) {
  EXPECT_EQ(EscapeControls("a\x1b[31mb\a\x7f"), "a\\x1b[31mb\\x07\\x7f");
  EXPECT_EQ(EscapeControls("\n\r\t"), "\\n\\r\\t");
  EXPECT_EQ(EscapeControls(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(EscapeControls("a\xc2\x9b" "31mb\xc2\x85"), "a\\x9b31mb\\x85") << "C1";
}

TEST(EscapeControlsTest, LeavesAllOtherBytesAlone) {
  for (const std::string& text : {std::string("se\xc3\xb1or \xe4\xb8\x96 \\n \xff"),
                                  std::string("\xc2\xa0 \xc3\x9b \xe0\xa0\x85 \xc2")}) {
    EXPECT_EQ(EscapeControls(text), text);
  }
  EXPECT_EQ(EscapeControls(""), "");
}

TEST(EscapeInvalidTest, ShowsBytesThatAreNoUtf8AndLeavesAllOthersAlone) {
  EXPECT_EQ(EscapeInvalid("a\xff" "b\n\xc3\xa4\xc3"), "a\\xff" "b\n\xc3\xa4\\xc3");
  EXPECT_EQ(EscapeInvalid("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
  EXPECT_EQ(EscapeInvalid(""), "");
}

TEST(AppendEscapedTest, LargerCharactersHaveFourDigits) {
  std::string out = "a";
  AppendEscaped(0x9B, &out);
  AppendEscaped(0x202E, &out);
  EXPECT_EQ(out, "a\\x9b\\u202e");
}

}  // namespace
}  // namespace souvenir
