#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "cache/entry.h"
#include "common/mutex.h"

namespace souvenir::cache {

// Numbers for origins, from 0, so that a record names its own in a few bytes. An origin is written
// with the first record that names it. A number is given once: records of an origin that was
// dropped may still be there, and must not become another one's. Thread-safe.
class OriginNumbers {
 public:
  // At most at a time, so that callers who make up tenants cannot fill the memory.
  static constexpr size_t kMost = 1u << 20;

  // The bounds of an origin's records. They lie in segments up to `segment`, and were written when
  // the sum of the origin's epochs was at most `epochs`. Beyond either, nothing names the origin.
  struct Use {
    uint64_t segment = 0;
    uint64_t epochs = 0;
  };

  explicit OriginNumbers(uint64_t most_bytes = UINT64_MAX) : most_bytes_(most_bytes) {}

  // The sum of what all records of an origin fall under.
  using EpochsOf = absl::FunctionRef<uint64_t(const Origin&)>;

  // Takes in one that was written, with records up to `segment`. DATA_LOSS where it is damaged, or
  // one too many.
  absl::Status Restore(uint32_t number, std::string_view bytes, uint64_t segment, EpochsOf epochs);

  // Its number, a new one where it has none; nothing where there are too many, or where they would
  // take too many bytes. The record that is about to name it is part of `use`.
  std::optional<uint32_t> NumberOf(const Origin& origin, Use use);

  // Those that are not written yet, by number, encoded.
  std::vector<std::pair<uint32_t, std::string>> Unsaved() const;
  // What was unsaved is written.
  void Saved();

  // Drops those that no record names that could be found: all in segments before `oldest_segment`,
  // or written before their epochs, of which `epochs` is the sum now, moved on. Returns the numbers
  // of which nothing need be kept. Of the highest number something is kept, or a restart would give
  // it a second time.
  std::vector<uint32_t> DropUnused(uint64_t oldest_segment, EpochsOf epochs);

  // Null where there is none of that number.
  OriginPtr Get(uint32_t number) const;

  size_t size() const;
  // Of memory, about.
  uint64_t bytes() const;

 private:
  struct Numbered {
    OriginPtr origin;
    Use use;
  };
  void Add(uint32_t number, Numbered numbered) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint64_t most_bytes_;
  mutable Mutex mutex_;
  absl::flat_hash_map<uint32_t, Numbered> origins_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint32_t> numbers_ ABSL_GUARDED_BY(mutex_);  // by all its names
  std::vector<uint32_t> unsaved_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> bytes_{0};  // changed under the lock
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<uint32_t> kept_ ABSL_GUARDED_BY(mutex_);  // dropped, but not where it is written
};

}  // namespace souvenir::cache
