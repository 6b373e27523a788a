#include "gateway/resolve/lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace souvenir::gateway {
namespace {

using ::testing::HasSubstr;

Lanes::Options Small() {
  Lanes::Options options;
  options.of(Lane::kTranscription) = {.max_requests = 2, .max_rows = 3, .max_bytes = 100};
  return options;
}

class LanesTest : public testing::Test {
 protected:
  Lanes::Stats StatsOf(Lane lane) { return lanes_.stats()[static_cast<size_t>(lane)]; }

  Lanes lanes_{Small()};
};

TEST_F(LanesTest, HaveRoomForSoManyRequests) {
  auto first = lanes_.Enter(Lane::kTranscription, 10);
  auto second = lanes_.Enter(Lane::kTranscription, 10);
  ASSERT_TRUE(first.ok() && second.ok());
  const auto third = lanes_.Enter(Lane::kTranscription, 10);
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(third.status().message()),
              HasSubstr("2 requests are under way for transcription, and the limit is 2"));
  EXPECT_EQ(StatsOf(Lane::kTranscription).refused, 1u);
  EXPECT_TRUE(lanes_.Enter(Lane::kSynthesis, 10).ok()) << "lanes share no room";
  {
    const Lanes::Request moved = *std::move(first);
    EXPECT_EQ(StatsOf(Lane::kTranscription).requests, 2u);
  }
  EXPECT_EQ(StatsOf(Lane::kTranscription).requests, 1u);
  EXPECT_TRUE(lanes_.Enter(Lane::kTranscription, 10).ok());
}

TEST_F(LanesTest, HaveRoomForSoManyBytes) {
  auto request = lanes_.Enter(Lane::kTranscription, 60);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(lanes_.Enter(Lane::kTranscription, 41).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(StatsOf(Lane::kTranscription).requests, 1u) << "a refused request has left";
  EXPECT_EQ(request->Hold(41).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(request->Hold(40).ok());
  EXPECT_EQ(StatsOf(Lane::kTranscription).held_bytes, 100u);
  request->Drop(50);
  EXPECT_EQ(StatsOf(Lane::kTranscription).held_bytes, 50u);
  { const Lanes::Request last = *std::move(request); }
  EXPECT_EQ(StatsOf(Lane::kTranscription).held_bytes, 0u);
}

TEST_F(LanesTest, HaveRoomForSoManyWaitingRows) {
  EXPECT_TRUE(lanes_.CheckRoom(Lane::kTranscription, 1).ok());
  const Lanes::Row a = lanes_.Wait(Lane::kTranscription, 10);
  const Lanes::Row b = lanes_.Wait(Lane::kTranscription, 10);
  const Lanes::Row c = lanes_.Wait(Lane::kTranscription, 10);
  EXPECT_EQ(lanes_.waiting(Lane::kTranscription), 3u);
  EXPECT_EQ(lanes_.waiting(Lane::kSpeech), 0u);
  EXPECT_TRUE(lanes_.CheckRoom(Lane::kTranscription, 1).ok());
  {
    const Lanes::Row d = lanes_.Wait(Lane::kTranscription, 10);
    const absl::Status full = lanes_.CheckRoom(Lane::kTranscription, 5);
    EXPECT_THAT(std::string(full.message()), HasSubstr("4 rows are under way for transcription"));
    EXPECT_TRUE(SaysNoRoom(full)) << "no server has refused it";
    EXPECT_EQ(StatsOf(Lane::kTranscription).refused, 5u);
    EXPECT_TRUE(lanes_.CheckRoom(Lane::kText, 1).ok());
  }
  EXPECT_TRUE(lanes_.CheckRoom(Lane::kTranscription, 1).ok());
  const Lanes::Row large = lanes_.Wait(Lane::kTranscription, 71);
  EXPECT_THAT(std::string(lanes_.CheckRoom(Lane::kTranscription, 1).message()),
              HasSubstr("101 bytes of requests for transcription wait"));
}

}  // namespace
}  // namespace souvenir::gateway
