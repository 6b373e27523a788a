#include "gateway/upstream/concurrency_limit.h"

#include <algorithm>

namespace souvenir::gateway {
namespace {

constexpr double kStep = 0.2;
constexpr double kHeadroom = 1;             // calls that should wait at compute
constexpr double kMaxWaitedFraction = 0.5;  // so that one answer does not halve the limit at once

}  // namespace

void ConcurrencyLimit::Record(const Sample& sample) {
  // Calls that do not use the limit say nothing about it.
  if (sample.under_way < std::max(limit() / 2, 1)) return;
  if (sample.waited) {
    if (sample.took <= absl::ZeroDuration()) return;
    const double fraction =
        std::clamp(absl::FDivDuration(*sample.waited, sample.took), 0.0, kMaxWaitedFraction);
    const double target = limit_ * (1 - fraction) + kHeadroom;
    limit_ += kStep * (target - limit_);
  } else {
    limit_ += 1 / limit_;
  }
  limit_ = std::clamp(limit_, 1.0, static_cast<double>(options_.most));
}

void ConcurrencyLimit::Shift(int instances) {
  limit_ = std::clamp(limit_ + instances, 1.0, static_cast<double>(options_.most));
}

void ConcurrencyLimit::RecordRefusal() { limit_ = std::max(limit_ / 2, 1.0); }

}  // namespace souvenir::gateway
