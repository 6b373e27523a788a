#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace souvenir {

// How many calls each connection may still give up: a bucket that holds four seconds' worth of
// resets. What a reset costs the server outlasts it, so that a client could take any amount of
// memory by calling and giving up at once (CVE-2023-44487, "rapid reset").
//
// Connections are known by an address of theirs. Only those that reset now and then are in the
// table. Thread-safe; a call that ends well does not come here.
class ResetBudget {
 public:
  static constexpr double kSecondsHeld = 4;

  explicit ResetBudget(uint32_t per_second) : per_second_(per_second) {}

  // `connection` has begun; another one may have had its address. One that is not counted may reset
  // as often as it likes: we are its client.
  void Begin(const void* connection, bool counted);

  // One more reset of `connection` at a monotonic time; false if it is above the budget.
  bool Take(const void* connection, absl::Duration now);

  // From now on.
  void SetRate(uint32_t per_second);

  size_t connections() const;  // in the table

 private:
  struct Bucket {
    double left;
    absl::Duration at;  // when so much was left
  };

  mutable Mutex mutex_;
  double per_second_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<const void*> not_counted_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<const void*, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 1024;  // entries; then full buckets are dropped
};

}  // namespace souvenir
