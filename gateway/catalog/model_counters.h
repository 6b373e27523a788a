#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/time/time.h"
#include "common/metrics/sharded_counter.h"

namespace souvenir::gateway {

// How a row was answered; the numbers of souvenir.v1.CacheKind.
enum class CacheKind : uint8_t {
  kMemory = 1,
  kDisk = 2,
  kStale = 3,
  kNegative = 4,
  kCoalesced = 5,
  kMiss = 6,
  kBypass = 7,
  kShared = 8,
};
inline constexpr size_t kCacheKinds = 9;  // with the unspecified one

// "memory", "disk", ...; as metrics and the header `souvenir-cache` spell it.
constexpr std::string_view CacheKindName(CacheKind kind) {
  constexpr std::array<std::string_view, kCacheKinds> kNames = {
      "unspecified", "memory", "disk",   "stale", "negative",
      "coalesced",   "miss",   "bypass", "shared"};
  return kNames[static_cast<size_t>(kind)];
}

// What became of the rows asked of one model, since the gateway started. Thread-safe and cheap: a
// hit adds to two lines of memory that no other thread is likely to hold.
class ModelCounters {
 public:
  // One row was answered. `saved` is what its answer had cost, where it did not have to be
  // computed.
  void Count(CacheKind kind, absl::Duration saved) {
    rows_[static_cast<size_t>(kind)].Add();
    if (saved > absl::ZeroDuration()) {
      saved_ns_.Add(static_cast<uint64_t>(absl::ToInt64Nanoseconds(saved)));
    }
  }

  uint64_t rows(CacheKind kind) const { return rows_[static_cast<size_t>(kind)].Sum(); }
  absl::Duration saved() const { return absl::Nanoseconds(static_cast<int64_t>(saved_ns_.Sum())); }

 private:
  std::array<ShardedCounter, kCacheKinds> rows_;
  ShardedCounter saved_ns_;
};

}  // namespace souvenir::gateway
