#include "common/language/subtitle_cues.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TimedSegment Segment(double start, double end, std::string text) {
  return {.start = absl::Seconds(start), .end = absl::Seconds(end), .text = std::move(text)};
}

std::vector<SubtitleCue> CuesOf(const TimedSegment& segment) {
  return MakeSubtitleCues(std::span(&segment, 1));
}

// Returns the text of a cue with a bar between its lines.
std::string TextOf(const SubtitleCue& cue) {
  std::string text;
  for (const std::string& line : cue.lines) text += (text.empty() ? "" : "|") + line;
  return text;
}

// Returns `count` words of five letters, with the times at which they are spoken.
TimedSegment Words(int count, absl::Duration each) {
  TimedSegment segment{.end = count * each};
  for (int i = 0; i < count; ++i) {
    if (i > 0) segment.text += ' ';
    segment.text.append(5, static_cast<char>('a' + i % 26));
    segment.words.push_back({.start = i * each, .end = (i + 1) * each});
  }
  return segment;
}

TEST(SubtitleCuesTest, AShortSegmentIsACueWithItsTimes) {
  const auto cues = CuesOf(Segment(1.5, 3.25, "Good morning."));
  ASSERT_THAT(cues, SizeIs(1));
  EXPECT_THAT(cues[0].lines, ElementsAre("Good morning."));
  EXPECT_EQ(cues[0].start, absl::Milliseconds(1500));
  EXPECT_EQ(cues[0].end, absl::Milliseconds(3250));
}

TEST(SubtitleCuesTest, ASegmentWithoutTextHasNoCue) {
  EXPECT_THAT(CuesOf(Segment(0, 2, "")), IsEmpty());
  EXPECT_THAT(CuesOf(Segment(0, 2, " \r\n\t\u00a0\u2028\x01")), IsEmpty());
  EXPECT_THAT(MakeSubtitleCues({}), IsEmpty());
}

TEST(SubtitleCuesTest, TwoLinesAreAboutEquallyLong) {
  const auto cues =
      CuesOf(Segment(0, 4, "The quick brown fox jumps over the lazy dog and is off again"));
  ASSERT_THAT(cues, SizeIs(1));
  EXPECT_EQ(TextOf(cues[0]), "The quick brown fox jumps over|the lazy dog and is off again");
}

TEST(SubtitleCuesTest, ALongSegmentIsCutAtTheTimesOfItsWords) {
  TimedSegment segment = Words(20, absl::Milliseconds(300));  // 119 columns in 6 s
  // The words after the fourteenth come after a pause.
  for (size_t i = 14; i < 20; ++i) {
    segment.words[i].start += absl::Seconds(2);
    segment.words[i].end += absl::Seconds(2);
  }
  segment.end += absl::Seconds(2);
  const auto cues = CuesOf(segment);
  ASSERT_THAT(cues, SizeIs(2));
  EXPECT_EQ(cues[0].start, absl::ZeroDuration());
  EXPECT_EQ(cues[0].end, absl::Milliseconds(14 * 300));
  EXPECT_EQ(cues[1].start, absl::Milliseconds(14 * 300 + 2000));
  EXPECT_EQ(cues[1].end, absl::Seconds(8));
}

TEST(SubtitleCuesTest, WithoutTimesOfWordsACutIsInProportionToTheText) {
  for (const size_t known : {0, 19, 21}) {
    TimedSegment segment = Words(20, absl::Milliseconds(300));
    segment.words.resize(known);  // not one for each
    const auto cues = CuesOf(segment);
    ASSERT_THAT(cues, SizeIs(2));
    EXPECT_EQ(cues[0].end, absl::Milliseconds(14 * 300));
    EXPECT_EQ(cues[1].start, cues[0].end);
    EXPECT_EQ(cues[1].end, absl::Seconds(6));
  }
}

TEST(SubtitleCuesTest, ACueEndsWithASentenceThatFillsHalfOfIt) {
  const auto cues = CuesOf(
      Segment(0, 8,
              "There is nothing that could not be said in a sentence. Another one follows it, and "
              "ends here."));
  ASSERT_THAT(cues, SizeIs(2));
  EXPECT_EQ(TextOf(cues[0]), "There is nothing that could|not be said in a sentence.");
  EXPECT_EQ(TextOf(cues[1]), "Another one follows it, and ends here.");
}

TEST(SubtitleCuesTest, NoSingleWordIsLeftOver) {
  TimedSegment segment = Words(15, absl::Milliseconds(300));  // fourteen fit
  const auto cues = CuesOf(segment);
  ASSERT_THAT(cues, SizeIs(2));
  EXPECT_EQ(TextOf(cues[0]), "aaaaa bbbbb ccccc ddddd|eeeee fffff ggggg hhhhh");
  EXPECT_EQ(TextOf(cues[1]), "iiiii jjjjj kkkkk lllll mmmmm nnnnn ooooo");
}

TEST(SubtitleCuesTest, SlowSpeechIsCutAfterSevenSeconds) {
  const auto cues = CuesOf(Words(6, absl::Seconds(3)));
  ASSERT_THAT(cues, SizeIs(3));
  EXPECT_EQ(TextOf(cues[0]), "aaaaa bbbbb");
  EXPECT_EQ(cues[0].end, absl::Seconds(6));
  EXPECT_EQ(cues[1].start, absl::Seconds(6));
  const auto one = CuesOf(Segment(10, 60, "Ah"));
  ASSERT_THAT(one, SizeIs(1));
  EXPECT_EQ(one[0].end, absl::Seconds(17));
}

TEST(SubtitleCuesTest, AShortCueStaysForASecondIfNoneFollows) {
  const std::vector<TimedSegment> segments = {Segment(1, 1.2, "Yes."), Segment(1.5, 1.7, "No."),
                                              Segment(5, 5.1, "Well.")};
  const auto cues = MakeSubtitleCues(segments);
  ASSERT_THAT(cues, SizeIs(3));
  EXPECT_EQ(cues[0].end, absl::Milliseconds(1500));
  EXPECT_EQ(cues[1].end, absl::Milliseconds(2500));
  EXPECT_EQ(cues[2].end, absl::Milliseconds(6000));
}

TEST(SubtitleCuesTest, AWordThatFillsMoreThanALineIsCut) {
  const auto cues = CuesOf(Segment(0, 5, std::string(100, 'w')));
  ASSERT_THAT(cues, SizeIs(2));
  std::string two_lines(85, 'w');
  two_lines[42] = '|';
  EXPECT_EQ(TextOf(cues[0]), two_lines);
  EXPECT_EQ(TextOf(cues[1]), std::string(16, 'w'));
}

TEST(SubtitleCuesTest, AWideCharacterCountsAsTwo) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "語";
  const auto cues = CuesOf(Segment(0, 5, text));
  ASSERT_THAT(cues, SizeIs(1));
  ASSERT_THAT(cues[0].lines, SizeIs(2));
  EXPECT_EQ(cues[0].lines[0].size(), 21 * std::string_view("語").size());
}

TEST(SubtitleCuesTest, ACutSeparatesNoMarkFromItsLetter) {
  std::string text(41, 'w');
  text += "e\u0301xyz";
  const auto cues = CuesOf(Segment(0, 5, text));
  ASSERT_THAT(cues, SizeIs(1));
  EXPECT_THAT(cues[0].lines, ElementsAre(std::string(41, 'w'), "e\u0301xyz"));
  // A letter with more marks than a line has columns is cut all the same.
  std::string marks = "e";
  for (int i = 0; i < 60; ++i) marks += "\u0301";
  EXPECT_THAT(CuesOf(Segment(0, 5, marks))[0].lines, SizeIs(2));
}

TEST(SubtitleCuesTest, WhatIsNoUtf8AndWhatIsNoTextIsReplaced) {
  EXPECT_EQ(TextOf(CuesOf(Segment(0, 2,
                                  "a\xff\xe2\x82 b\r\n\r\nc\x1b[2Jd\u2029e\xc2\x85"
                                  "f"))[0]),
            "a\ufffd\ufffd b c [2Jd e f");
  using namespace std::string_literals;
  EXPECT_EQ(TextOf(CuesOf(Segment(0, 2, "a\0b"s))[0]), "a b");
}

TEST(SubtitleCuesTest, TimesThatMakeNoSenseAreMadeToFollowEachOther) {
  std::vector<TimedSegment> segments = {Segment(5, 3, "one"), Segment(4, 4, "two"),
                                        Segment(-7, -8, "three")};
  segments.push_back({.start = absl::InfiniteDuration(),
                      .end = -absl::InfiniteDuration(),
                      .text = "four",
                      .words = {{.start = absl::InfiniteDuration(), .end = absl::ZeroDuration()}}});
  const auto cues = MakeSubtitleCues(segments);
  ASSERT_THAT(cues, SizeIs(4));
  absl::Duration earliest = absl::ZeroDuration();
  for (const SubtitleCue& cue : cues) {
    EXPECT_LE(earliest, cue.start);
    EXPECT_LT(cue.start, cue.end);
    earliest = cue.end;
  }
}

// A property of any segments, by many that are made at random.
TEST(SubtitleCuesTest, EveryWordIsInOneCueAndEveryCueKeepsTheLimits) {
  std::mt19937_64 random(1);
  const auto below = [&](uint64_t bound) { return static_cast<int>(random() % bound); };
  for (int round = 0; round < 2000; ++round) {
    std::vector<TimedSegment> segments;
    std::string expected;
    int64_t at = 0;
    for (int i = below(5); i >= 0; --i) {
      at += below(3000) - 500;  // also before the end of the last one
      TimedSegment segment{.start = absl::Milliseconds(at)};
      const bool timed = below(2) == 0;
      for (int j = below(60); j > 0; --j) {
        const std::string word =
            std::string(1 + below(below(20) == 0 ? 100 : 12), 'a') + (below(8) == 0   ? "."
                                                                      : below(8) == 0 ? "é"
                                                                                      : "");
        segment.text += (below(3) == 0 ? "\n " : " ") + word;
        expected += word;
        const int64_t start = at + below(2000) - 200;
        at += below(1500);
        if (timed) {
          segment.words.push_back(
              {.start = absl::Milliseconds(start), .end = absl::Milliseconds(at)});
        }
      }
      segment.end = absl::Milliseconds(at);
      segments.push_back(std::move(segment));
    }
    absl::Duration earliest = absl::ZeroDuration();
    std::string found;
    for (const SubtitleCue& cue : MakeSubtitleCues(segments)) {
      ASSERT_LE(earliest, cue.start);
      ASSERT_LT(cue.start, cue.end);
      ASSERT_LE(cue.end - cue.start, kLongestSubtitle);
      ASSERT_EQ(cue.start % absl::Milliseconds(1), absl::ZeroDuration());
      ASSERT_EQ(cue.end % absl::Milliseconds(1), absl::ZeroDuration());
      earliest = cue.end;
      ASSERT_GE(cue.lines.size(), 1u);
      ASSERT_LE(cue.lines.size(), kMostSubtitleLines);
      for (const std::string& line : cue.lines) {
        const auto columns =
            std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
        ASSERT_GE(columns, 1);
        ASSERT_LE(columns, static_cast<int>(kMostSubtitleColumns));
        found += line;
      }
    }
    std::erase(found, ' ');
    ASSERT_EQ(found, expected);
  }
}

}  // namespace
}  // namespace souvenir
