#include <grpc/grpc.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/grpc/header_parser.h"
#include "common/grpc/http2_limits.h"

namespace souvenir {
namespace {

using Boundary = HeaderParser::Boundary;

constexpr uint32_t kLimit = 1000;
// For blocks that it skips, gRPC reports the opposite boundary.
constexpr Boundary kMore = Boundary::kEndOfHeaders;
constexpr Boundary kEnd = Boundary::kNone;

// Drives gRPC's parser with skipped blocks, as those of a call that has ended.
class HeaderBlocksTest : public ::testing::Test {
 protected:
  HeaderBlocksTest() {
    grpc_init();
    memory_.fill(std::byte{0xEE});
    MakeHeaderParser(parser());
  }
  // The parser holds only memory that the test has given it, so it is not destroyed.
  ~HeaderBlocksTest() override {
    parser()->unparsed = {};
    grpc_shutdown();
  }

  HeaderParser* parser() { return reinterpret_cast<HeaderParser*>(memory_.data()); }

  void Begin(Boundary boundary, uint32_t limit = kLimit) {
    BeginHeaderFrame(parser(), nullptr, limit, boundary, HeaderParser::Priority::kNone,
                     {.stream = 7, .type = 1, .is_client = false});
  }

  absl::Status Parse(std::string_view piece, bool is_last) {
    const grpc_slice slice = grpc_slice_from_static_buffer(piece.data(), piece.size());
    return ParseHeaders(parser(), nullptr, nullptr, slice, is_last ? 1 : 0);
  }

  absl::Status Frame(std::string_view frame, Boundary boundary) {
    Begin(boundary);
    return Parse(frame, true);
  }

  // Memory for gRPC's parser, which has less than 200 bytes.
  alignas(16) std::array<std::byte, 4096> memory_;
};

const std::string kUnfinished("\0\1x\x7f\x80\x80\x04", 7);  // a field whose value has 64 KB

TEST_F(HeaderBlocksTest, TheLayoutIsThatOfTheLibrary) {
  EXPECT_EQ(parser()->fields, nullptr);
  EXPECT_TRUE(parser()->unparsed.empty());
  Begin(kMore, 0x12345678);
  EXPECT_EQ(parser()->boundary, Boundary::kNone);
  EXPECT_EQ(parser()->priority, HeaderParser::Priority::kNone);
  EXPECT_EQ(parser()->table_updates_allowed, 2);
  EXPECT_EQ(parser()->bytes, 0);
  EXPECT_EQ(parser()->limit, 0x12345678);
  EXPECT_EQ(parser()->log_info.stream, 7);
  EXPECT_EQ(parser()->log_info.type, 1);
  EXPECT_FALSE(parser()->log_info.is_client);
  ASSERT_TRUE(Parse(kUnfinished, true).ok());
  EXPECT_EQ(std::string(parser()->unparsed.begin(), parser()->unparsed.end()), kUnfinished);
}

TEST_F(HeaderBlocksTest, WhatIsCountedGoesOnInABlockAndBeginsAnewInTheNext) {
  Begin(kMore);
  EXPECT_EQ(parser()->bytes, 0);
  parser()->bytes = 100;  // as after fields that are not skipped
  Begin(kMore);
  EXPECT_EQ(parser()->bytes, 100);
  Begin(kEnd);
  EXPECT_EQ(parser()->bytes, 100);
  Begin(kEnd);
  EXPECT_EQ(parser()->bytes, 0);
}

TEST_F(HeaderBlocksTest, AFieldWithoutEndIsRefusedAndCounted) {
  const uint64_t closed = ConnectionsClosedForMetadata();
  ASSERT_TRUE(Frame(kUnfinished, kMore).ok());
  size_t sent = 0;
  while (sent < 10 * kLimit && Frame(std::string(10, 'y'), kMore).ok()) sent += 10;
  EXPECT_GE(sent, kLimit);  // the wire may have twice the limit, for base64
  EXPECT_LE(sent, 2 * kLimit);
  EXPECT_EQ(ConnectionsClosedForMetadata(), closed + 1);
}

TEST_F(HeaderBlocksTest, AFieldInSmallPiecesIsParsedSeldom) {
  Begin(kEnd);
  ASSERT_TRUE(Parse(kUnfinished, false).ok());
  int looks = 0;
  for (uint32_t i = 0; i < kLimit; ++i) {
    ASSERT_TRUE(Parse("y", false).ok());
    // Only gRPC leaves a vector without spare room.
    looks += parser()->unparsed.size() == parser()->unparsed.capacity() ? 1 : 0;
  }
  EXPECT_EQ(parser()->unparsed.size(), kUnfinished.size() + kLimit);
  EXPECT_GE(looks, 1);
  EXPECT_LE(looks, 10);
}

TEST_F(HeaderBlocksTest, AFieldInPiecesIsWholeAtTheEnd) {
  ASSERT_TRUE(Frame(std::string("\0\1x", 3), kMore).ok());
  ASSERT_TRUE(Frame("\x7f", kMore).ok());
  ASSERT_TRUE(Frame(std::string("\0", 1), kMore).ok());  // 127 bytes
  for (int i = 0; i < 126; ++i) ASSERT_TRUE(Frame("y", kMore).ok());
  EXPECT_FALSE(parser()->unparsed.empty());
  ASSERT_TRUE(Frame("y", kEnd).ok());
  EXPECT_TRUE(parser()->unparsed.empty());
}

TEST_F(HeaderBlocksTest, AFieldDoesNotGoOnInTheNextBlock) {
  ASSERT_TRUE(Frame(kUnfinished, kMore).ok());
  EXPECT_FALSE(Frame("y", kEnd).ok());
}

}  // namespace
}  // namespace souvenir
