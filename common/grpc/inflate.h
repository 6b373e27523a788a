#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>

#include "absl/status/statusor.h"

namespace souvenir {

// Returns the message in `bytes`, inflated if it is compressed with gzip or deflate. Such bytes
// come to a handler of bytes on a server with GrpcServer::Options::passes_compressed. gRPC itself
// would inflate the whole message before it checks its size. This function never holds more than
// `most_bytes` and a block.
//
// Bytes that are not compressed are returned as they are, without a copy or a check of their size.
// RESOURCE_EXHAUSTED if the inflated message is above `most_bytes`, INVALID_ARGUMENT for damaged
// bytes.
absl::StatusOr<grpc::ByteBuffer> Inflate(const grpc::ByteBuffer& bytes, size_t most_bytes);

}  // namespace souvenir
