#include "gateway/upstream/concurrency_limit.h"

#include <algorithm>
#include <cmath>

namespace souvenir::gateway {
namespace {

constexpr double kStep = 0.2;
constexpr double kTypicalStep = 0.01;  // the mean of about 100 calls
constexpr double kTolerance = 1.5;

}  // namespace

void ConcurrencyLimit::Record(const Sample& sample) {
  if (sample.took <= absl::ZeroDuration()) return;
  const double fraction = WaitedFraction(sample);
  // Calls that do not use the limit say nothing of it.
  if (sample.under_way < std::max(limit() / 2, 1)) return;
  const double headroom = sample.waited ? 1 : std::sqrt(limit_);
  const double target = limit_ * (1 - fraction) + headroom;
  limit_ += kStep * (target - limit_);
  limit_ = std::clamp(limit_, 1.0, static_cast<double>(options_.most));
}

void ConcurrencyLimit::RecordRefusal() { limit_ = std::max(limit_ / 2, 1.0); }

double ConcurrencyLimit::WaitedFraction(const Sample& sample) {
  const double took = absl::ToDoubleSeconds(sample.took);
  const double typical = typical_seconds_ > 0 ? typical_seconds_ : took;
  typical_seconds_ = typical + kTypicalStep * (took - typical);
  // After a phase of slow calls the mean comes down faster.
  if (typical_seconds_ > 2 * took) typical_seconds_ *= 1 - 5 * kTypicalStep;
  const double waited =
      sample.waited ? absl::ToDoubleSeconds(*sample.waited) : took - kTolerance * typical;
  return std::clamp(waited / took, 0.0, 0.5);
}

}  // namespace souvenir::gateway
