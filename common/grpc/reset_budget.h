#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace souvenir {

// The number of calls of each connection that may still be ended early: a token bucket that holds
// four seconds' worth of resets, by the client or by the server. The server works on a call beyond
// its reset, so without a limit a client that calls and resets at once could take any amount of
// memory (CVE-2023-44487, "rapid reset"). A client can also make the server reset its calls, as by
// a deadline that has passed.
//
// A connection is identified by the address of its transport. The table has only connections that
// have reset calls. Thread-safe; a call that ends normally does not touch this class.
class ResetBudget {
 public:
  static constexpr double kSecondsHeld = 4;

  explicit ResetBudget(uint32_t per_second) : per_second_(per_second) {}

  // Notes that `connection` has begun, and forgets an earlier one with the same address. A
  // connection that is not `counted` may reset without limit: this process is its client.
  void Begin(const void* connection, bool counted);

  // Counts `resets` of `connection` at a monotonic time; the number may be a fraction. Returns
  // false if that is above the budget.
  bool Take(const void* connection, absl::Duration now, double resets);

  // Notes that `connection` is to be closed, because the server had to reset more of its calls than
  // the budget has. Has no effect if it was noted before.
  void Overdraw(const void* connection);

  // Returns true, once, if Overdraw() was called for `connection`. Cheap as long as it never was.
  bool TakeOverdrawn(const void* connection);

  // Sets the budget of all connections from now on.
  void SetRate(uint32_t per_second);

  size_t connections() const;  // the number of connections in the table

 private:
  struct Bucket {
    double left;
    absl::Duration at;  // the time of `left`
  };

  mutable Mutex mutex_;
  double per_second_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<const void*> not_counted_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<const void*> overdrawn_ ABSL_GUARDED_BY(mutex_);
  std::atomic<size_t> overdrawn_count_{0};  // of overdrawn_; changed only under the lock
  absl::flat_hash_map<const void*, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 1024;  // entries at which full buckets are dropped
};

}  // namespace souvenir
