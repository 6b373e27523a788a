#include "cli/printable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir::cli {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(PrintableTest, LeavesTextOfAnyScriptAlone) {
  const std::string text = "¡Hola, mundo! Ωμέγα 世界 🎁 \\n";
  EXPECT_EQ(Printable(text), text);
}

TEST(PrintableTest, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(Printable("a\x1b[31mb\a\b\x7f"), "a\\x1b[31mb\\x07\\x08\\x7f");
  EXPECT_EQ(Printable("\n\r\t"), "\\n\\r\\t");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTest, EscapesTheSecondSetOfControlsThatIsTwoBytesOfUtf8) {
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(Printable("\xc2\xa0"), "\xc2\xa0");  // U+00A0, a space after the C1 controls
}

TEST(PrintableTest, EscapesMarksThatReverseTheOrderOfLetters) {
  EXPECT_EQ(Printable("a\u202eb\u2066c\u200f"), "a\\u202eb\\u2066c\\u200f");
}

TEST(PrintableTest, WritesBytesThatAreNotUtf8AsHex) {
  EXPECT_EQ(Printable("a\xff"
                      "b\xc3"),
            "a\\xffb\\xc3");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
}

TEST(PrintableTest, SetsLinesBelowEachOther) {
  EXPECT_EQ(PrintableLines("one\r\ntwo\n\nthree\tfour", 3), "one\n   two\n\n   three\\tfour");
  EXPECT_EQ(PrintableLines("", 3), "");
}

TEST(JsonStringTest, EscapesWhatJsonMustAndATerminalWouldObey) {
  EXPECT_EQ(JsonString("señor 🎁 \"\\\n\x1b\u202e"), "\"señor 🎁 \\\"\\\\\\n\\u001b\\u202e\"");
  EXPECT_EQ(JsonString("\xff"), "\"\\ufffd\"");
}

TEST(FindInvalidUtf8Test, TellsWhereTextStopsBeingUtf8) {
  EXPECT_EQ(FindInvalidUtf8("señor"), std::nullopt);
  EXPECT_THAT(FindInvalidUtf8("ab\xff"), Optional(Eq(2u)));
  EXPECT_THAT(FindInvalidUtf8("\xc0\x80"), Optional(Eq(0u)));  // NUL in two bytes
}

TEST(DisplayWidthTest, CountsCodePoints) {
  EXPECT_EQ(DisplayWidth("420 µs"), 6u);
  EXPECT_EQ(DisplayWidth(""), 0u);
}

TEST(HumanDurationTest, ChoosesTheUnit) {
  EXPECT_EQ(HumanDuration(absl::ZeroDuration()), "0 µs");
  EXPECT_EQ(HumanDuration(absl::Nanoseconds(999'400)), "999 µs");
  EXPECT_EQ(HumanDuration(absl::Nanoseconds(999'600)), "1.0 ms");
  EXPECT_EQ(HumanDuration(absl::Microseconds(9'840)), "9.8 ms");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(420)), "420 ms");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(1'250)), "1.25 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(200)), "3 min 20 s");
  EXPECT_EQ(HumanDuration(absl::Minutes(125)), "2 h 5 min");
  EXPECT_EQ(HumanDuration(absl::Hours(99)), "4 d 3 h");
}

TEST(HumanBytesTest, ChoosesTheUnit) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes(256ull << 20), "256 MiB");
  EXPECT_EQ(HumanBytes(UINT64_MAX), "16 EiB");
}

TEST(HumanShareTest, OfNothingIsNoNumber) {
  EXPECT_EQ(HumanShare(5, 6), "83.3%");
  EXPECT_EQ(HumanShare(0, 0), "-");
}

}  // namespace
}  // namespace souvenir::cli
