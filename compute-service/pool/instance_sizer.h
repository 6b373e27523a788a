#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace souvenir::compute {

// Fits the number of a model's instances to its load and its machine, by what it measures: one more
// while requests wait, as long as each one added makes the model faster; one less when some have
// not been needed for a while.
//
// A model seldom gets twice as fast with twice the instances (Amdahl's law), and often slower
// beyond some number: memory and caches are shared. So each step is judged by the rows a second
// before and after it, and taken back where it brought too little. Not thread-safe.
class InstanceSizer {
 public:
  struct Options {
    int most = 1;  // at least 1
    // By how much one more has to make the model faster, as a part of what it would bring if
    // nothing were shared.
    double least_gain = 0.25;
    absl::Duration window = absl::Seconds(1);        // measured before and after a step
    absl::Duration idle_after = absl::Minutes(1);    // before one that is not needed ends
    absl::Duration retry_after = absl::Minutes(10);  // before a step that was taken back
  };

  // What has been since the last one.
  struct Sample {
    absl::Duration now;       // on the monotonic clock
    uint64_t rows = 0;        // computed since the model was made
    size_t waiting = 0;       // requests, now
    size_t running = 0;       // instances, now
    double foreign_load = 0;  // of the machine, by others than models, in processors
    int processors = 1;       // of the machine, that may be used
  };

  explicit InstanceSizer(Options options) : options_(options) {}

  // How many there should be from now on.
  int Next(const Sample& sample);

  int instances() const { return instances_; }

 private:
  // Ends the measurement that is under way.
  void Forget() { begun_ = absl::InfiniteDuration(); }
  void Step(int to, absl::Duration now);

  const Options options_;
  int instances_ = 1;
  int ceiling_ = 0;               // a number that brought nothing; 0: none is known
  absl::Duration ceiling_until_;  // when it may be tried again
  double before_ = 0;             // rows a second with one fewer; 0: not known
  // Since when requests have been waiting without a pause, and the rows then; infinite: they do
  // not.
  absl::Duration begun_ = absl::InfiniteDuration();
  uint64_t begun_rows_ = 0;
  absl::Duration needed_at_ = -absl::InfiniteDuration();  // when all of them last ran
};

}  // namespace souvenir::compute
