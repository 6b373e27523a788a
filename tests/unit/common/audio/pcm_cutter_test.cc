#include "common/audio/pcm_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/sounds.h"

namespace souvenir {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string BytesOf(const std::vector<int16_t>& samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)};
}

std::vector<int16_t> Talk() {
  std::vector<int16_t> samples;
  for (uint64_t i = 1; i <= 4; ++i) {
    Append(Syllables(1, 3'000, i), &samples);
    Append(Silence(1), &samples);
  }
  return samples;
}

std::unique_ptr<PcmCutter> Cutter(const PcmFormat& format) {
  auto cutter = PcmCutter::Create(format, {});
  EXPECT_TRUE(cutter.ok()) << cutter.status();
  return *std::move(cutter);
}

void ExpectSame(const std::vector<SpeechSegment>& some, const std::vector<SpeechSegment>& others) {
  ASSERT_EQ(some.size(), others.size());
  for (size_t i = 0; i < some.size(); ++i) {
    EXPECT_EQ(some[i].start, others[i].start);
    EXPECT_EQ(some[i].end, others[i].end);
    EXPECT_TRUE(some[i].samples == others[i].samples) << i;
  }
}

TEST(PcmCutterTest, CutsAsTheStepsByThemselvesDo) {
  const std::vector<int16_t> samples = Talk();
  const auto steps = *SegmentCutter::Create({});
  std::vector<SpeechSegment> expected;
  steps->Add(samples, &expected);
  steps->Finish(&expected);
  const auto cutter = Cutter({.rate = 16'000});
  std::vector<SpeechSegment> segments;
  ASSERT_TRUE(cutter->Add(BytesOf(samples), &segments).ok());
  ASSERT_TRUE(cutter->Finish(&segments).ok());
  EXPECT_THAT(segments, SizeIs(4));
  ExpectSame(segments, expected);
  EXPECT_EQ(cutter->cutter().samples(), static_cast<int64_t>(samples.size()));
}

TEST(PcmCutterTest, TheSizesOfPiecesDoNotMatter) {
  const std::string bytes = BytesOf(Talk());
  std::mt19937_64 random(1);
  for (const PcmFormat& format :
       {PcmFormat{.rate = 16'000}, PcmFormat{.rate = 22'050},
        PcmFormat{.encoding = PcmEncoding::kS16be, .rate = 44'100, .channels = 2},
        PcmFormat{.encoding = PcmEncoding::kMulaw, .rate = 8'000},
        PcmFormat{.encoding = PcmEncoding::kS24le, .rate = 48'000, .channels = 3}}) {
    const std::string_view whole_frames = std::string_view(bytes).substr(
        0, bytes.size() / format.frame_bytes() * format.frame_bytes());
    std::vector<SpeechSegment> whole;
    const auto at_once = Cutter(format);
    ASSERT_TRUE(at_once->Add(whole_frames, &whole).ok());
    ASSERT_TRUE(at_once->Finish(&whole).ok());
    for (const size_t most : {1, 10, 100'000}) {
      std::vector<SpeechSegment> segments;
      const auto cutter = Cutter(format);
      std::string_view rest = whole_frames;
      while (!rest.empty()) {
        const size_t size = std::min<size_t>(rest.size(), 1 + random() % most);
        ASSERT_TRUE(cutter->Add(rest.substr(0, size), &segments).ok());
        rest.remove_prefix(size);
      }
      ASSERT_TRUE(cutter->Finish(&segments).ok());
      ExpectSame(segments, whole);
    }
  }
}

TEST(PcmCutterTest, AnEndInsideAFrameIsAnErrorAfterTheLastSegment) {
  const auto cutter = Cutter({.rate = 16'000, .channels = 2});
  std::vector<SpeechSegment> segments;
  ASSERT_TRUE(cutter->Add(BytesOf(Talk()) + "ab", &segments).ok());
  segments.clear();
  ASSERT_TRUE(cutter->Add(BytesOf(Syllables(1, 3'000)), &segments).ok());
  EXPECT_THAT(segments, IsEmpty());
  const absl::Status finished = cutter->Finish(&segments);
  EXPECT_EQ(finished.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(finished.message()), HasSubstr("2 bytes are left"));
  EXPECT_THAT(segments, SizeIs(1));
}

TEST(PcmCutterTest, ASampleThatIsNoNumberIsRefused) {
  const auto cutter = Cutter({.encoding = PcmEncoding::kF32le, .rate = 16'000});
  const float number = std::numeric_limits<float>::infinity();
  std::vector<SpeechSegment> segments;
  EXPECT_EQ(cutter->Add({reinterpret_cast<const char*>(&number), sizeof(number)}, &segments).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PcmCutterTest, RefusesOptionsOutOfTheirRange) {
  EXPECT_EQ(PcmCutter::Create({.rate = 16'000}, {.min_gap_ms = 9}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace souvenir
