#pragma once

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "cache/fingerprint.h"
#include "common/mutex.h"

namespace souvenir::gateway {

// Remembers which refreshes failed just now. Without it each hit on a stale entry would call an
// upstream that is away. Bounded. Thread-safe; times are of Clock::Monotonic().
class RefreshLog {
 public:
  static constexpr absl::Duration kPause = absl::Seconds(1);  // time without tries after a failure

  bool MayTry(const cache::Fingerprint& key, absl::Duration now);
  void Failed(const cache::Fingerprint& key, absl::Duration now);

 private:
  Mutex mutex_;
  absl::flat_hash_map<cache::Fingerprint, absl::Duration> failed_at_ ABSL_GUARDED_BY(mutex_);
};

// Returns a random number from (0, 1].
double UniformNumber();

}  // namespace souvenir::gateway
