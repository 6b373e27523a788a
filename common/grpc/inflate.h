#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>

#include "absl/status/statusor.h"

namespace souvenir {

// The message that `bytes` are, or are compressed to by gzip or deflate, as gRPC hands it to a
// handler of bytes of a server that passes_compressed. gRPC itself would inflate all of it before
// it looked at the size; here no more than `most_bytes`, and a block, are ever held.
//
// What is not compressed is given back as it is, without a copy. RESOURCE_EXHAUSTED above
// `most_bytes`, INVALID_ARGUMENT for bytes that are damaged.
absl::StatusOr<grpc::ByteBuffer> Inflate(const grpc::ByteBuffer& bytes, size_t most_bytes);

}  // namespace souvenir
