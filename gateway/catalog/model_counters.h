#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/time/time.h"
#include "common/metrics/sharded_counter.h"

namespace souvenir::gateway {

// The kind of a row's answer, with the numbers of souvenir.v1.CacheKind.
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
inline constexpr size_t kCacheKinds = 9;  // includes kind 0, unspecified

// Returns the name of a kind in metrics and the header `souvenir-cache`, as "memory".
constexpr std::string_view CacheKindName(CacheKind kind) {
  constexpr std::array<std::string_view, kCacheKinds> kNames = {
      "unspecified", "memory", "disk",   "stale", "negative",
      "coalesced",   "miss",   "bypass", "shared"};
  return kNames[static_cast<size_t>(kind)];
}

// Returns true if the answer came from the cache.
constexpr bool IsRemembered(CacheKind kind) {
  switch (kind) {
    case CacheKind::kMemory:
    case CacheKind::kDisk:
    case CacheKind::kStale:
    case CacheKind::kNegative:
    case CacheKind::kShared:
      return true;
    case CacheKind::kCoalesced:
    case CacheKind::kMiss:
    case CacheKind::kBypass:
      return false;
  }
  return false;
}

// Counts the answered rows of a model by kind, since the gateway started. Thread-safe and cheap: a
// hit writes to two cache lines that other threads seldom hold.
class ModelCounters {
 public:
  // Counts answered rows. `saved` is the cost of their answers if these did not have to be
  // computed, and otherwise zero.
  void Count(CacheKind kind, absl::Duration saved, uint64_t rows = 1) {
    rows_[static_cast<size_t>(kind)].Add(rows);
    if (saved > absl::ZeroDuration()) {
      saved_ns_.Add(static_cast<uint64_t>(absl::ToInt64Nanoseconds(saved)));
    }
  }

  // Counts the time of a request whose rows were all answered from the cache.
  void CountHitTime(absl::Duration took) {
    hit_ns_.Add(static_cast<uint64_t>(absl::ToInt64Nanoseconds(took)));
  }

  // Returns true if any row was answered.
  bool asked() const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [](const ShardedCounter& rows) { return rows.Sum() > 0; });
  }

  absl::Duration hit_time() const { return absl::Nanoseconds(static_cast<int64_t>(hit_ns_.Sum())); }

  // Returns the answered rows of a kind, and the sum of the saved costs.
  uint64_t rows(CacheKind kind) const { return rows_[static_cast<size_t>(kind)].Sum(); }
  absl::Duration saved() const { return absl::Nanoseconds(static_cast<int64_t>(saved_ns_.Sum())); }

 private:
  std::array<ShardedCounter, kCacheKinds> rows_;
  ShardedCounter saved_ns_;
  ShardedCounter hit_ns_;
};

}  // namespace souvenir::gateway
