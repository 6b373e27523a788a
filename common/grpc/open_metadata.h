#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/mutex.h"

namespace souvenir {

// The metadata of the calls that are open on each connection. gRPC limits the metadata of one call,
// so that a connection with many calls could hold many times as much.
//
// A connection is identified by the address of its transport. Thread-safe; a call with little
// metadata does not touch this class.
class OpenMetadata {
 public:
  // The header blocks of the largest size that the calls of one connection may hold together.
  static constexpr uint64_t kBlocks = 64;
  // Blocks up to this size are not added: their call takes more.
  static constexpr uint32_t kSmallBytes = 1024;

  explicit OpenMetadata(uint32_t max_metadata_bytes) { SetMost(max_metadata_bytes); }

  // Sets the largest size of one block.
  void SetMost(uint32_t max_metadata_bytes) { most_bytes_ = kBlocks * max_metadata_bytes; }

  // Adds a header block of a call. Returns false if the connection now holds more than it may.
  bool Add(const void* connection, uint32_t stream, uint32_t bytes);

  // Forgets the blocks of a call that has ended. Cheap if nothing was added.
  void Remove(const void* connection, uint32_t stream);

  // Returns the bytes that the calls of a connection hold.
  uint64_t bytes(const void* connection) const;

 private:
  std::atomic<uint64_t> most_bytes_;
  std::atomic<size_t> calls_{0};  // in of_calls_; changed only under the lock

  mutable Mutex mutex_;
  absl::flat_hash_map<std::pair<const void*, uint32_t>, uint64_t> of_calls_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<const void*, uint64_t> of_connections_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir
