#pragma once

#include <optional>

#include "absl/time/time.h"

namespace souvenir::gateway {

// Number of calls of one model that may be under way at once. It follows what compute can take, so
// that rows wait at the gateway, where they leave together and in a fair order, and not in
// compute's queue.
//
// The limit aims at one call that waits at compute, so that no instance idles between two calls,
// and so that compute sees that it is short of instances. With each answer it moves a fifth of the
// way to
//
//   limit * (1 - waited / took) + headroom
//
// which is its own value when limit * waited / took = headroom: the number of calls that wait at
// compute, by Little's law. Our compute service tells how long a call waited; headroom is then 1.
// For another server the wait is taken to be what a call took above 1.5 times the long-term mean,
// and the headroom is the square root of the limit (Netflix's Gradient2,
// https://github.com/Netflix/concurrency-limits).
//
// Not thread-safe.
class ConcurrencyLimit {
 public:
  struct Options {
    int first = 2;   // limit before the first answer; at least 1
    int most = 256;  // at least `first`
  };

  // An answered call.
  struct Sample {
    int under_way = 1;  // calls under way while it was, itself included
    absl::Duration took;
    std::optional<absl::Duration> waited;  // for an instance; absent if the server does not say
  };

  explicit ConcurrencyLimit(Options options)
      : options_(options), limit_(static_cast<double>(options.first)) {}

  int limit() const { return static_cast<int>(limit_); }

  void Record(const Sample& sample);

  // Compute had no room for a call: halves the limit.
  void RecordRefusal();

 private:
  // Returns the part of its time for which a call waited, between 0 and 1/2.
  double WaitedFraction(const Sample& sample);

  const Options options_;
  double limit_;                // between 1 and options_.most
  double typical_seconds_ = 0;  // long-term mean of Sample::took; 0 before the first
};

}  // namespace souvenir::gateway
