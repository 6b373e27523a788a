#include "common/language/subtitles.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souvenir {
namespace {

std::vector<SubtitleCue> Cue(std::vector<std::string> lines) {
  return {{.start = absl::Milliseconds(500), .end = absl::Seconds(2), .lines = std::move(lines)}};
}

std::string Srt(std::vector<std::string> lines) {
  return WriteSubtitles(Cue(std::move(lines)), SubtitleFormat::kSrt);
}

std::string WebVtt(std::vector<std::string> lines) {
  return WriteSubtitles(Cue(std::move(lines)), SubtitleFormat::kWebVtt);
}

TEST(SubtitlesTest, SrtCountsItsCues) {
  const std::vector<SubtitleCue> cues = {
      {.start = absl::Milliseconds(500), .end = absl::Seconds(2), .lines = {"Hello", "there"}},
      {.start = absl::Seconds(3725), .end = absl::Milliseconds(3726045), .lines = {"Ola"}}};
  EXPECT_EQ(WriteSubtitles(cues, SubtitleFormat::kSrt),
            "1\n"
            "00:00:00,500 --> 00:00:02,000\n"
            "Hello\n"
            "there\n"
            "\n"
            "2\n"
            "01:02:05,000 --> 01:02:06,045\n"
            "Ola\n");
}

TEST(SubtitlesTest, WebVttHasItsHeader) {
  EXPECT_EQ(WebVtt({"Hello"}),
            "WEBVTT\n"
            "\n"
            "00:00:00.500 --> 00:00:02.000\n"
            "Hello\n");
}

TEST(SubtitlesTest, WithoutCuesAFileIsStillValid) {
  EXPECT_EQ(WriteSubtitles({}, SubtitleFormat::kSrt), "");
  EXPECT_EQ(WriteSubtitles({}, SubtitleFormat::kWebVtt), "WEBVTT\n");
}

TEST(SubtitlesTest, HoursMayHaveMoreThanTwoDigits) {
  const std::vector<SubtitleCue> cues = {
      {.start = absl::Hours(99), .end = absl::Hours(100), .lines = {"a"}}};
  EXPECT_EQ(WriteSubtitles(cues, SubtitleFormat::kSrt), "1\n99:00:00,000 --> 100:00:00,000\na\n");
}

TEST(SubtitlesTest, ATextIsNeverMarkup) {
  EXPECT_EQ(WebVtt({"<i>R&D</i> --> &amp;"}),
            "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\n"
            "&lt;i&gt;R&amp;D&lt;/i&gt; --&gt; &amp;amp;\n");
  EXPECT_EQ(Srt({"<i>R&D --> {\\an8}"}),
            "1\n00:00:00,500 --> 00:00:02,000\n"
            "<\u200bi>R&D -\u200b-> {\u200b\\\u200ban8}\n");
}

}  // namespace
}  // namespace souvenir
