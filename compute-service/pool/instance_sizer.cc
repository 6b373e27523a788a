#include "compute-service/pool/instance_sizer.h"

#include <algorithm>

namespace souvenir::compute {
namespace {

// Fewer are no measurement: a model of long rows is given instances for as long as some wait.
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
    // One of n - 1 more would bring 1 / (n - 1), were nothing shared.
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
  // Others may keep every processor busy: models are nicer, and the measurement tells whether one
  // more is of use. What is beyond that waits for a processor, and is not to wait longer.
  const double excess = std::max(0.0, sample.foreign_load - sample.processors);
  const bool has_room = instances_ < sample.processors - excess;
  if (instances_ < options_.most && may_try && has_room) {
    if (sample.now >= ceiling_until_) ceiling_ = 0;
    before_ = speed;
    Step(instances_ + 1, sample.now);
  } else {
    Forget();
    before_ = 0;  // measured anew before the next step
  }
  return instances_;
}

void InstanceSizer::Step(int to, absl::Duration now) {
  instances_ = std::clamp(to, 1, options_.most);
  needed_at_ = now;
  Forget();
}

}  // namespace souvenir::compute
