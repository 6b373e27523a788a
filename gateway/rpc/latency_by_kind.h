#pragma once

#include <array>

#include "absl/time/time.h"
#include "common/metrics/histogram.h"
#include "common/metrics/metrics.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// How long requests took, by how their rows were answered; one whose rows were answered in several
// ways counts as that which takes longest. Owned by the gateway. Thread-safe; recording takes no
// lock.
class LatencyByKind {
 public:
  // The kind that it counts as. REQUIRES: `call` has all its answers, and one at least.
  CacheKind Record(const ResolveCall& call, absl::Duration took);

  void Collect(MetricWriter& writer) const;

 private:
  std::array<DurationHistogram, kCacheKinds> by_kind_;
};

}  // namespace souvenir::gateway
