#include "compute-service/pool/instance_sizer.h"

#include <algorithm>

namespace souvenir::compute {
namespace {

// Fewer rows in a window give no reliable speed. A model with long rows therefore gets instances
// as long as requests wait.
constexpr uint64_t kLeastRows = 20;

}  // namespace

int InstanceSizer::Next(const Sample& sample) {
  const bool all_run = sample.running >= static_cast<size_t>(instances_);
  if (all_run || needed_at_ == -absl::InfiniteDuration()) needed_at_ = sample.now;
  if (sample.waiting == 0 || !all_run) {
    Forget();
    if (instances_ > 1 && sample.now - needed_at_ >= options_.idle_after) {
      Step(instances_ - 1, sample.now);
      before_ = 0;
    }
    return instances_;
  }
  if (begun_ == absl::InfiniteDuration()) {
    begun_ = sample.now;
    begun_rows_ = sample.rows;
    return instances_;
  }
  const absl::Duration measured = sample.now - begun_;
  if (measured < options_.window) return instances_;

  const uint64_t rows = sample.rows - begun_rows_;
  const double speed =
      rows < kLeastRows ? 0 : static_cast<double>(rows) / absl::ToDoubleSeconds(measured);
  if (before_ > 0 && speed > 0 && instances_ > 1) {
    // Ideal speed-up of the step from n - 1 to n instances, if they shared nothing: 1 / (n - 1).
    const double least = before_ * (1 + options_.least_gain / (instances_ - 1));
    if (speed < least) {
      ceiling_ = instances_;
      ceiling_until_ = sample.now + options_.retry_after;
      Step(instances_ - 1, sample.now);
      before_ = 0;
      return instances_;
    }
  }
  const bool may_try = ceiling_ == 0 || instances_ + 1 < ceiling_ || sample.now >= ceiling_until_;
  // Load of other processes counts only beyond the number of processors. Up to there, instances run
  // at a lower priority and the measurement decides if one more is of use. Beyond it, threads
  // already wait for a processor, and another instance would make them wait longer.
  const double excess = std::max(0.0, sample.foreign_load - sample.processors);
  const bool has_room = instances_ < sample.processors - excess;
  if (instances_ < options_.most && may_try && has_room) {
    if (sample.now >= ceiling_until_) ceiling_ = 0;
    before_ = speed;
    Step(instances_ + 1, sample.now);
  } else {
    Forget();
    before_ = 0;  // no step was made that the next speed could be compared with
  }
  return instances_;
}

void InstanceSizer::Step(int to, absl::Duration now) {
  instances_ = std::clamp(to, 1, options_.most);
  needed_at_ = now;
  Forget();
}

}  // namespace souvenir::compute
