#include "common/audio/cutter_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace souvenir {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<SegmentCutter::Options> Read(const std::map<std::string, std::string>& texts) {
  return ReadCutterOptions([&](std::string_view name) -> std::optional<std::string_view> {
    const auto found = texts.find(std::string(name));
    if (found == texts.end()) return std::nullopt;
    return found->second;
  });
}

TEST(CutterParametersTest, DefaultsAreThoseOfTheCutter) {
  const auto read = Read({});
  ASSERT_TRUE(read.ok()) << read.status();
  SegmentCutter::Options options = *read;
  SegmentCutter::Options defaults;
  for (const CutterParameter& one : CutterParameters()) {
    EXPECT_EQ(*one.place(&options), *one.place(&defaults)) << one.name;
    EXPECT_GE(*one.place(&defaults), one.least) << one.name;
    EXPECT_LE(*one.place(&defaults), one.most) << one.name;
  }
}

TEST(CutterParametersTest, EachHasAPlaceOfItsOwn) {
  SegmentCutter::Options options;
  int number = 1'000;
  for (const CutterParameter& one : CutterParameters()) *one.place(&options) = ++number;
  number = 1'000;
  for (const CutterParameter& one : CutterParameters()) {
    EXPECT_EQ(*one.place(&options), ++number) << one.name;
  }
}

TEST(CutterParametersTest, ReadsWhatIsGiven) {
  const auto read = Read({{"max_segment_ms", "5000"},
                          {"cut_search_ms", "500"},
                          {"vad_least_dbfs", "-40"},
                          {"task", "segmentation"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->max_segment_ms, 5'000);
  EXPECT_EQ(read->cut_search_ms, 500);
  EXPECT_EQ(read->voice.least_dbfs, -40);
  EXPECT_EQ(read->min_gap_ms, 400);
}

TEST(CutterParametersTest, RefusesWhatIsNoNumberInItsRange) {
  for (const char* text : {"", "ten", "9", "10001", "10 ", "1e3", "99999999999999999999"}) {
    const absl::Status status = Read({{"min_gap_ms", text}}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("it must be a number from 10 to 10000"));
  }
  // Each is in its range, and together they are not.
  EXPECT_EQ(Read({{"max_segment_ms", "1000"}, {"cut_search_ms", "600"}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace souvenir
