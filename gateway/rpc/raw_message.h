#pragma once

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <array>
#include <string>

#include "absl/status/status.h"
#include "common/grpc/inflate.h"
#include "common/status_macros.h"

namespace souvenir::gateway {

// Reads requests in handlers that take and return bytes. Such handlers save a hit the work of
// gRPC's typed handlers: a message on the heap and a copy for each side.

// Reads `bytes` into `message`. `bytes` may be compressed, and may then inflate to `most_bytes`.
// INVALID_ARGUMENT if the bytes are not such a message, if a text in it is not UTF-8, or if the
// call ended before its message came; RESOURCE_EXHAUSTED above `most_bytes`.
inline absl::Status ParseMessage(const grpc::ByteBuffer& bytes, size_t most_bytes,
                                 google::protobuf::Message* message) {
  grpc::Slice slice;
  bool parsed;
  // Bytes in a single slice are not compressed.
  if (bytes.TrySingleSlice(&slice).ok()) {
    parsed = message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  } else {
    if (!bytes.Valid()) return absl::InvalidArgumentError("the call ended before its message");
    SOUVENIR_ASSIGN_OR_RETURN(grpc::ByteBuffer inflated, Inflate(bytes, most_bytes));
    grpc::ProtoBufferReader reader(&inflated);
    parsed = message->ParseFromZeroCopyStream(&reader);
  }
  if (parsed) return absl::OkStatus();
  return absl::InvalidArgumentError("the request is not a " + message->GetTypeName() +
                                    ": its bytes cannot be read, or a text in it is not UTF-8");
}

// Sets `bytes` to `message`. RESOURCE_EXHAUSTED above `most_bytes`.
inline absl::Status WriteMessage(const google::protobuf::Message& message, size_t most_bytes,
                                 grpc::ByteBuffer* bytes) {
  const size_t size = message.ByteSizeLong();
  if (size > most_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("the answer has {} bytes, and a message may have {}", size, most_bytes));
  }
  grpc::Slice slice(size);
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  grpc::ByteBuffer written(&slice, 1);
  bytes->Swap(&written);  // assigning would copy
  return absl::OkStatus();
}

// The arena that a request is read into. Its first block is a member, so a request of usual size
// allocates memory only for its long strings.
class RequestArena {
 public:
  template <typename Message>
  Message* Create() {
    return google::protobuf::Arena::CreateMessage<Message>(&arena_);
  }

 private:
  alignas(8) std::array<char, 1024> first_block_;
  google::protobuf::Arena arena_{first_block_.data(), first_block_.size()};
};

}  // namespace souvenir::gateway
