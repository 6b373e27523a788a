#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace souvenir::compute {

// Fits the number of a model's instances to its load and its machine. It adds one instance while
// requests wait, as long as each added one makes the model faster, and removes one when not all
// have been needed for a while.
//
// Twice the instances seldom make a model twice as fast (Amdahl's law), and beyond some number they
// often make it slower, because they share memory and caches. Each step is therefore judged by the
// rows per second before and after it, and taken back if it gained too little.
//
// Owned by its caller, which calls Next() periodically. Not thread-safe.
class InstanceSizer {
 public:
  // Set by code alone, so the bounds are the caller's to keep.
  struct Options {
    int most = 1;  // at least 1
    // Smallest speed-up for which an added instance is kept, as a fraction of the speed-up if
    // instances shared nothing.
    double least_gain = 0.25;
    absl::Duration window = absl::Seconds(1);        // length of a measurement
    absl::Duration idle_after = absl::Minutes(1);    // until an instance that is not needed ends
    absl::Duration retry_after = absl::Minutes(10);  // until a step that was taken back is retried
  };

  // The model and the machine at one moment.
  struct Sample {
    absl::Duration now;       // monotonic time
    uint64_t rows = 0;        // rows computed since the model was loaded
    size_t waiting = 0;       // requests in the queue
    size_t running = 0;       // busy instances
    double foreign_load = 0;  // load of processes other than models, in processors
    int processors = 1;       // usable processors
  };

  explicit InstanceSizer(Options options) : options_(options) {}

  // Returns the number of instances that the model should have from now on, between 1 and
  // Options::most. It differs from the last number by at most 1.
  int Next(const Sample& sample);

  int instances() const { return instances_; }

 private:
  // Ends the measurement that is under way.
  void Forget() { begun_ = absl::InfiniteDuration(); }
  void Step(int to, absl::Duration now);

  const Options options_;
  int instances_ = 1;
  int ceiling_ = 0;               // number of instances that gained too little; 0 if unknown
  absl::Duration ceiling_until_;  // time from which ceiling_ may be tried again
  double before_ = 0;             // rows per second with one instance fewer; 0 if unknown
  // Start of the measurement under way; infinite if none is. Requests wait throughout it.
  absl::Duration begun_ = absl::InfiniteDuration();
  uint64_t begun_rows_ = 0;                               // Sample::rows at begun_
  absl::Duration needed_at_ = -absl::InfiniteDuration();  // last time all instances were busy
};

}  // namespace souvenir::compute
