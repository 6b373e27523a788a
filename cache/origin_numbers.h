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

// Numbers origins from 0, so that a record refers to its origin in a few bytes. An origin is
// written with the first record that refers to it. No number is given twice, because records of a
// dropped origin may still exist and must not seem to belong to another one. Thread-safe.
class OriginNumbers {
 public:
  // Maximum number of origins at a time, so that callers who invent tenants cannot fill the memory.
  static constexpr size_t kMost = 1u << 20;

  // The bounds of an origin's records: they are in segments up to `segment`, and were written when
  // the sum of the origin's epochs was at most `epochs`. No live record is beyond either bound.
  struct Use {
    uint64_t segment = 0;
    uint64_t epochs = 0;
  };

  explicit OriginNumbers(uint64_t most_bytes = UINT64_MAX) : most_bytes_(most_bytes) {}

  // Returns the present sum of the epochs that apply to all records of an origin.
  using EpochsOf = absl::FunctionRef<uint64_t(const Origin&)>;

  // Adds an origin that was read from the store, with records up to `segment`. DATA_LOSS if it is
  // damaged, if its number is taken, or if there are kMost origins.
  absl::Status Restore(uint32_t number, std::string_view bytes, uint64_t segment, EpochsOf epochs);

  // Returns the number of the origin; gives it one if it has none. Returns nullopt if that would
  // exceed kMost origins or the limit of bytes. Extends the origin's bounds by `use`, which is that
  // of the record about to be written.
  std::optional<uint32_t> NumberOf(const Origin& origin, Use use);

  // Returns the origins that are not written yet, as numbers and encoded origins.
  std::vector<std::pair<uint32_t, std::string>> Unsaved() const;
  // Marks all origins as written.
  void Saved();

  // Drops the origins without live records: all their records are in segments before
  // `oldest_segment`, or were written before their epochs moved on to the sum that `epochs`
  // returns. Returns the numbers of the origins that the store can delete. The store keeps the
  // highest number given so far, or a restart would give it again.
  std::vector<uint32_t> DropUnused(uint64_t oldest_segment, EpochsOf epochs);

  // Returns true if `matches` is true of an origin that may have live records: its epochs have not
  // moved on since the last one. Looks at all origins under the lock.
  bool HasLive(absl::FunctionRef<bool(const Origin&)> matches, EpochsOf epochs) const;

  // Returns the origin with this number, or null.
  OriginPtr Get(uint32_t number) const;

  size_t size() const;
  // Returns the approximate memory of all origins in bytes.
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
  absl::flat_hash_map<std::string, uint32_t> numbers_ ABSL_GUARDED_BY(mutex_);  // by all names
  std::vector<uint32_t> unsaved_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> bytes_{0};  // changed only under the lock
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<uint32_t> kept_ ABSL_GUARDED_BY(mutex_);  // dropped, but kept in the store
};

}  // namespace souvenir::cache
