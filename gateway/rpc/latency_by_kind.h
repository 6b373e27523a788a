#pragma once

#include <array>

#include "absl/time/time.h"
#include "common/metrics/histogram.h"
#include "common/metrics/metrics.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// The durations of requests by kind of answer. A request whose rows have several kinds counts as
// the kind that usually takes longest. Owned by the gateway. Thread-safe; recording takes no lock.
class LatencyByKind {
 public:
  // Records a request, and returns the kind that it counts as. REQUIRES: `calls` have all their
  // answers, and the first has at least one.
  CacheKind Record(const ResolvedCalls& calls, absl::Duration took);

  void Collect(MetricWriter& writer) const;

 private:
  std::array<DurationHistogram, kCacheKinds> by_kind_;
};

}  // namespace souvenir::gateway
