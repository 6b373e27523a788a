#include "common/grpc/inflate.h"

#include <fmt/format.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>
#include <zlib.h>

#include <algorithm>
#include <vector>

namespace souvenir {
namespace {

constexpr size_t kFirstBlock = 4096;
constexpr size_t kLargestBlock = 1u << 20;
// zlib's constants. The largest window reads the data of every sender.
constexpr int kWindowBits = 15;
constexpr int kGzipHeader = 16;

// Reads the compression of a ByteBuffer, which gRPC shows only to classes that derive from its
// reader.
class AlgorithmOf : private grpc::ProtoBufferReader {
 public:
  static grpc_compression_algorithm Get(grpc::ByteBuffer* bytes) {
    AlgorithmOf reader(bytes);
    if (!reader.status().ok()) return GRPC_COMPRESS_NONE;
    return reader.reader()->buffer_in->data.raw.compression;
  }

 private:
  explicit AlgorithmOf(grpc::ByteBuffer* bytes) : grpc::ProtoBufferReader(bytes) {}
};

absl::Status Damaged() {
  return absl::InvalidArgumentError(
      "the request is compressed, and damaged: it cannot be inflated");
}

// zlib's state for one message.
class Inflater {
 public:
  explicit Inflater(bool gzip) {
    ok_ = inflateInit2(&stream_, kWindowBits + (gzip ? kGzipHeader : 0)) == Z_OK;
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ok_) inflateEnd(&stream_);
  }

  bool ok() const { return ok_; }
  bool wants_input() const { return stream_.avail_in == 0; }
  bool at_end() const { return result_ == Z_STREAM_END; }

  void Feed(const grpc::Slice& slice) {
    stream_.next_in = const_cast<uint8_t*>(slice.begin());
    stream_.avail_in = static_cast<uInt>(slice.size());
  }

  // Inflates into `block` from `at` on. Returns the end of what was written, or an error for
  // damaged bytes.
  absl::StatusOr<size_t> Fill(const grpc::Slice& block, size_t at) {
    stream_.next_out = const_cast<uint8_t*>(block.begin()) + at;
    stream_.avail_out = static_cast<uInt>(block.size() - at);
    result_ = inflate(&stream_, Z_NO_FLUSH);
    if (result_ != Z_OK && result_ != Z_STREAM_END && result_ != Z_BUF_ERROR) return Damaged();
    return block.size() - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  bool ok_;
  int result_ = Z_OK;
};

}  // namespace

absl::StatusOr<grpc::ByteBuffer> Inflate(const grpc::ByteBuffer& bytes, size_t most_bytes) {
  grpc::ByteBuffer copy(bytes);  // shares the bytes
  const grpc_compression_algorithm algorithm = AlgorithmOf::Get(&copy);
  if (algorithm == GRPC_COMPRESS_NONE) return copy;

  std::vector<grpc::Slice> compressed;
  if (!copy.Dump(&compressed).ok()) return Damaged();
  Inflater inflater(algorithm == GRPC_COMPRESS_GZIP);
  if (!inflater.ok()) return absl::ResourceExhaustedError("no memory to inflate the request");

  std::vector<grpc::Slice> inflated;
  size_t total = 0;
  auto next = compressed.begin();
  for (size_t size = kFirstBlock; !inflater.at_end(); size = std::min(2 * size, kLargestBlock)) {
    const grpc::Slice block(size);
    size_t filled = 0;
    while (filled < size && !inflater.at_end()) {
      if (inflater.wants_input()) {
        if (next == compressed.end()) return Damaged();  // cut short
        inflater.Feed(*next++);
      }
      const absl::StatusOr<size_t> reached = inflater.Fill(block, filled);
      if (!reached.ok()) return reached.status();
      filled = *reached;
    }
    total += filled;
    if (total > most_bytes) {
      return absl::ResourceExhaustedError(
          fmt::format("the request is larger than {} bytes when it is inflated", most_bytes));
    }
    inflated.push_back(block.sub(0, filled));
  }
  if (!inflater.wants_input() || next != compressed.end()) return Damaged();  // bytes after the end
  return grpc::ByteBuffer(inflated.data(), inflated.size());
}

}  // namespace souvenir
