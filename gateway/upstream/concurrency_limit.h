#pragma once

#include <optional>

#include "absl/time/time.h"

namespace souvenir::gateway {

// The number of calls of one model that may be under way at once. It follows what compute can take,
// so that rows wait at the gateway, where they leave together and in a fair order, and not in
// compute's queue.
//
// The limit aims at one call that waits at compute, so that no instance idles between two calls,
// and so that compute sees that it is short of instances. With each answer it moves a fifth of the
// way to
//
//   limit * (1 - waited / took) + 1
//
// which is its own value when limit * waited / took = 1: by Little's law, the number of calls that
// wait at compute.
//
// If a server does not report how long a call waited, the limit works as in TCP (additive increase,
// multiplicative decrease): it grows by one with as many answers as it has calls, and is halved
// when the server refuses a call.
//
// Not thread-safe.
class ConcurrencyLimit {
 public:
  // Set by code alone, so the bounds are the caller's to keep.
  struct Options {
    int first = 2;   // limit before the first answer; at least 1
    int most = 256;  // at least `first`
  };

  // An answered call.
  struct Sample {
    int under_way = 1;  // calls under way during this one, itself included
    absl::Duration took;
    std::optional<absl::Duration> waited;  // for an instance; absent if the server does not say
  };

  explicit ConcurrencyLimit(Options options)
      : options_(options), limit_(static_cast<double>(options.first)) {}

  int limit() const { return static_cast<int>(limit_); }

  void Record(const Sample& sample);

  // Moves the limit at once when compute has gained instances or, below 0, lost some. Otherwise new
  // instances would idle until long calls have been answered.
  void Shift(int instances);

  // Halves the limit, because compute had no room for a call.
  void RecordRefusal();

 private:
  const Options options_;
  double limit_;  // between 1 and options_.most
};

}  // namespace souvenir::gateway
