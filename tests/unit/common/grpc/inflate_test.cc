#include "common/grpc/inflate.h"

#include <grpc/byte_buffer.h>
#include <grpcpp/impl/codegen/serialization_traits.h>
#include <grpcpp/support/slice.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace souvenir {
namespace {

std::string Compress(std::string_view text, bool gzip) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, gzip ? 15 + 16 : 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Returns a buffer as gRPC hands it to a handler. gRPC's C++ API cannot make a compressed one, so
// the C++ object is made from one of C.
grpc::ByteBuffer Received(std::string_view bytes, grpc_compression_algorithm algorithm,
                          size_t piece = 1000) {
  std::vector<grpc_slice> slices;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const std::string_view part = bytes.substr(at, piece);
    slices.push_back(grpc_slice_from_copied_buffer(part.data(), part.size()));
  }
  grpc_byte_buffer* const raw =
      grpc_raw_compressed_byte_buffer_create(slices.data(), slices.size(), algorithm);
  for (const grpc_slice& slice : slices) grpc_slice_unref(slice);
  static_assert(sizeof(grpc::ByteBuffer) == sizeof(grpc_byte_buffer*));
  grpc::ByteBuffer buffer;
  new (&buffer) grpc_byte_buffer*(raw);
  return buffer;
}

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

constexpr std::pair<grpc_compression_algorithm, bool> kAlgorithms[] = {
    {GRPC_COMPRESS_GZIP, true}, {GRPC_COMPRESS_DEFLATE, false}};

TEST(InflateTest, WhatIsNotCompressedIsAsItWas) {
  const auto same = Inflate(Received("the text", GRPC_COMPRESS_NONE), 3);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(Text(*same), "the text");
}

TEST(InflateTest, EveryAlgorithmInAnyPieces) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i);
  for (const auto& [algorithm, gzip] : kAlgorithms) {
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{100'000}, size_t{10'000'000}}) {
      const auto inflated = Inflate(Received(Compress(text, gzip), algorithm, piece), text.size());
      ASSERT_TRUE(inflated.ok()) << inflated.status();
      EXPECT_EQ(Text(*inflated), text);
    }
    const auto empty = Inflate(Received(Compress("", gzip), algorithm), 0);
    ASSERT_TRUE(empty.ok()) << empty.status();
    EXPECT_EQ(Text(*empty), "");
  }
}

TEST(InflateTest, ABombIsGivenUpAtTheLimit) {
  const std::string zeros(20u << 20, '\0');
  for (const auto& [algorithm, gzip] : kAlgorithms) {
    const auto bomb = Received(Compress(zeros, gzip), algorithm);
    EXPECT_TRUE(absl::IsResourceExhausted(Inflate(bomb, 1u << 20).status()));
    EXPECT_TRUE(absl::IsResourceExhausted(Inflate(bomb, zeros.size() - 1).status()));
  }
}

TEST(InflateTest, WhatIsDamagedIsInvalid) {
  for (const auto& [algorithm, gzip] : kAlgorithms) {
    const std::string whole = Compress(std::string(10'000, 'x'), gzip);
    for (const std::string& damaged :
         {std::string(), std::string("no such thing"), whole.substr(0, whole.size() - 1),
          whole + "more", whole + whole}) {
      EXPECT_TRUE(absl::IsInvalidArgument(Inflate(Received(damaged, algorithm), 1u << 20).status()))
          << damaged.size();
    }
  }
}

}  // namespace
}  // namespace souvenir
