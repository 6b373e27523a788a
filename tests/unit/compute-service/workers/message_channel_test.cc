#include "compute-service/workers/message_channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <thread>

namespace souvenir::compute {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);

class MessageChannelTest : public testing::Test {
 protected:
  MessageChannelTest() {
    auto ends = MessageChannel::CreateSockets();
    EXPECT_TRUE(ends.ok());
    left_ = MessageChannel(std::move(ends->first));
    right_ = MessageChannel(std::move(ends->second), 1000);
  }

  MessageChannel left_;
  MessageChannel right_;  // takes messages of at most 1,000 bytes
};

TEST_F(MessageChannelTest, MessagesKeepTheirBoundsAndOrder) {
  for (const char* message : {"one", "", "three"}) ASSERT_TRUE(left_.Send(message, kLong).ok());
  EXPECT_EQ(*right_.Receive(kLong), "one");
  EXPECT_EQ(*right_.Receive(kLong), "");
  EXPECT_EQ(*right_.Receive(kLong), "three");
  EXPECT_FALSE(right_.Readable());
}

TEST_F(MessageChannelTest, CarriesMoreThanTheSocketHolds) {
  const std::string big(20'000'000, 'x');
  std::thread sender([&] { EXPECT_TRUE(right_.Send("a", kLong).ok()); });
  EXPECT_EQ(*left_.Receive(kLong), "a");
  sender.join();
  auto ends = MessageChannel::CreateSockets();
  MessageChannel from(std::move(ends->first));
  MessageChannel to(std::move(ends->second));
  std::thread big_sender([&] { EXPECT_TRUE(from.Send(big, kLong).ok()); });
  EXPECT_EQ(*to.Receive(kLong), big);
  big_sender.join();
}

TEST_F(MessageChannelTest, WaitsEndWhenTheyAreCancelled) {
  Cancellation cancellation;
  right_.set_cancellation(&cancellation);
  ASSERT_TRUE(left_.Send("before", kLong).ok());
  EXPECT_EQ(*right_.Receive(kLong), "before");
  std::thread canceller([&] { cancellation.Cancel(); });
  EXPECT_EQ(right_.Receive(absl::InfiniteDuration()).status().code(), absl::StatusCode::kCancelled);
  canceller.join();
  // The channel stays cancelled until the cancellation is removed.
  EXPECT_EQ(right_.Receive(kLong).status().code(), absl::StatusCode::kCancelled);
  right_.set_cancellation(nullptr);
  ASSERT_TRUE(left_.Send("after", kLong).ok());
  EXPECT_EQ(*right_.Receive(kLong), "after");
}

TEST_F(MessageChannelTest, TellsWhetherThePeerHasClosed) {
  EXPECT_FALSE(right_.PeerHasClosed());
  ASSERT_TRUE(left_.Send("last words", kLong).ok());
  EXPECT_FALSE(right_.PeerHasClosed());
  left_.Close();
  EXPECT_TRUE(right_.PeerHasClosed());
  EXPECT_EQ(*right_.Receive(kLong), "last words");
}

TEST_F(MessageChannelTest, SendGivesUpWhenNobodyReads) {
  const std::string big(20'000'000, 'x');
  EXPECT_EQ(left_.Send(big, absl::Milliseconds(1)).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(MessageChannelTest, ReceiveGivesUpWhenNothingOrOnlyAPartComes) {
  EXPECT_EQ(right_.Receive(absl::Milliseconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  ASSERT_EQ(send(left_.fd(), "\x05\x00\x00\x00he", 6, 0), 6);
  EXPECT_EQ(right_.Receive(absl::Milliseconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(MessageChannelTest, RefusesWhatIsAboveTheLimit) {
  EXPECT_EQ(right_.Send(std::string(1001, 'x'), kLong).code(),
            absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(left_.Send(std::string(1001, 'x'), kLong).ok());
  const auto received = right_.Receive(kLong);
  EXPECT_EQ(received.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(received.status().ToString(), testing::HasSubstr("1001"));
}

TEST_F(MessageChannelTest, TellsThatThePeerHasGone) {
  ASSERT_TRUE(left_.Send("last", kLong).ok());
  left_.Close();
  EXPECT_EQ(*right_.Receive(kLong), "last");
  EXPECT_TRUE(right_.Readable());
  EXPECT_EQ(right_.Receive(kLong).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(right_.Send("x", kLong).code(), absl::StatusCode::kUnavailable);
}

TEST_F(MessageChannelTest, FinishSendingIsReadAsTheEnd) {
  left_.FinishSending();
  EXPECT_EQ(right_.Receive(kLong).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(right_.Send("still heard", kLong).ok());
  EXPECT_EQ(*left_.Receive(kLong), "still heard");
}

TEST_F(MessageChannelTest, PassesADescriptor) {
  auto ends = MessageChannel::CreateSockets();
  ASSERT_TRUE(left_.Send("take this", kLong, ends->second.get()).ok());
  ends->second.Close();
  UniqueFd passed;
  EXPECT_EQ(*right_.Receive(kLong, &passed), "take this");
  ASSERT_TRUE(passed);
  EXPECT_EQ(fcntl(passed.get(), F_GETFD), FD_CLOEXEC);
  MessageChannel here(std::move(ends->first));
  MessageChannel there(std::move(passed));
  ASSERT_TRUE(here.Send("through it", kLong).ok());
  EXPECT_EQ(*there.Receive(kLong), "through it");
}

TEST_F(MessageChannelTest, ClosesADescriptorThatNobodyAskedFor) {
  auto ends = MessageChannel::CreateSockets();
  ASSERT_TRUE(left_.Send("take this", kLong, ends->second.get()).ok());
  ends->second.Close();
  EXPECT_EQ(*right_.Receive(kLong), "take this");
  MessageChannel here(std::move(ends->first));
  EXPECT_EQ(here.Receive(kLong).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace souvenir::compute
