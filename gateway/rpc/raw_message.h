#pragma once

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

// Messages of handlers that take and give bytes, which spares a hit the work of gRPC's typed
// handlers: a message of the heap and a copy for each side.

// Reads `bytes`, which may be compressed and inflate to `most_bytes`, into `message`.
// INVALID_ARGUMENT, naming the message, for bytes that are none, text that is not UTF-8 included,
// and for a call that ended before its message; RESOURCE_EXHAUSTED above `most_bytes`.
inline absl::Status ParseMessage(const grpc::ByteBuffer& bytes, size_t most_bytes,
                                 google::protobuf::Message* message) {
  grpc::Slice slice;
  bool parsed;
  // Which are then not compressed.
  if (bytes.TrySingleSlice(&slice).ok()) {
    parsed = message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  } else {
    if (!bytes.Valid()) return absl::InvalidArgumentError("the call ended before its message");
    SOUVENIR_ASSIGN_OR_RETURN(grpc::ByteBuffer inflated, Inflate(bytes, most_bytes));
    grpc::ProtoBufferReader reader(&inflated);
    parsed = message->ParseFromZeroCopyStream(&reader);
  }
  if (parsed) return absl::OkStatus();
  return absl::InvalidArgumentError("the request is no " + message->GetTypeName() +
                                    ": its bytes cannot be read, or a text in it is not UTF-8");
}

// Where a request is read to: an arena whose first block is part of it, so that a request of usual
// size takes no memory but for its long strings.
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
