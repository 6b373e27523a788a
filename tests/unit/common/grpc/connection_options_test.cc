#include "common/grpc/connection_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMessageBytes = 1u << 20;

TEST(ConnectionOptionsTest, TheDefaultsPassAndAreThoseOfTheOptions) {
  const config::v1::Connections defaults = DefaultConnections();
  EXPECT_TRUE(CheckConnections(defaults, kMessageBytes).ok());
  const ConnectionOptions options = ConnectionOptionsOf(defaults);
  EXPECT_EQ(options.max_connections, 4096);
  EXPECT_EQ(options.max_metadata_bytes, 65'536);
  EXPECT_EQ(options.min_ping_interval, absl::Seconds(5));
  EXPECT_EQ(options.handshake_timeout, absl::Seconds(10));
}

TEST(ConnectionOptionsTest, WhatMakesNoSenseIsNamed) {
  config::v1::Connections connections = DefaultConnections();
  connections.set_max_metadata_bytes(10);
  EXPECT_THAT(std::string(CheckConnections(connections, kMessageBytes).message()),
              HasSubstr("connections.max_metadata_bytes is 10; it must be a number from"));
  connections = DefaultConnections();
  connections.set_max_connections_per_peer(0);
  EXPECT_THAT(std::string(CheckConnections(connections, kMessageBytes).message()),
              HasSubstr("connections.max_connections_per_peer"));
}

TEST(ConnectionOptionsTest, BuffersThatHoldTooFewMessagesAreRefused) {
  config::v1::Connections connections = DefaultConnections();
  connections.set_max_buffer_bytes(8 * kMessageBytes);
  EXPECT_TRUE(CheckConnections(connections, kMessageBytes).ok());
  for (const uint64_t wrong : {uint64_t{1}, 8 * kMessageBytes - 1, uint64_t{1} << 63}) {
    connections.set_max_buffer_bytes(wrong);
    const absl::Status status = CheckConnections(connections, kMessageBytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("connections.max_buffer_bytes is " + std::to_string(wrong) +
                          "; it must be 0, for a share of the memory, or a number from 8388608"));
  }
}

TEST(ConnectionOptionsTest, BuffersAreAShareOfTheMachineAndRoomForSomeMessages) {
  config::v1::Connections connections;
  EXPECT_EQ(BufferBytes(connections, 0.5, 8u << 20, 1u << 20), 8u << 20);
  EXPECT_EQ(BufferBytes(connections, 0.5, 64u << 20, 1u << 20), 32u << 20);
  connections.set_max_buffer_bytes(7);
  EXPECT_EQ(BufferBytes(connections, 0.5, 64u << 20, 1u << 20), 7);
}

TEST(ConnectionOptionsTest, UnreadAnswersHaveRoomForSomeMessagesToo) {
  config::v1::Connections connections = DefaultConnections();
  EXPECT_EQ(UnreadBytes(connections, 16u << 20, 1u << 20), 8u << 20);
  EXPECT_EQ(UnreadBytes(connections, 256u << 20, 1u << 20), 32u << 20);
  connections.set_max_unread_bytes(8 * kMessageBytes);
  EXPECT_TRUE(CheckConnections(connections, kMessageBytes).ok());
  EXPECT_EQ(UnreadBytes(connections, 256u << 20, 1u << 20), 8 * kMessageBytes);
  connections.set_max_unread_bytes(8 * kMessageBytes - 1);
  EXPECT_THAT(std::string(CheckConnections(connections, kMessageBytes).message()),
              HasSubstr("connections.max_unread_bytes is 8388607; it must be 0"));
}

}  // namespace
}  // namespace souvenir
