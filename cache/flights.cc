#include "cache/flights.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "common/status_macros.h"

namespace souvenir::cache {

absl::StatusOr<FlightTable::Joined> FlightTable::Join(const Fingerprint& key, EpochStamp epochs,
                                                      Waiter waiter) {
  MutexLock lock(&mutex_);
  SOUVENIR_RETURN_IF_ERROR(CheckWaiters());
  const auto found = flights_.find(key);
  if (found != flights_.end() && epochs_->IsCurrent(found->second->epochs_)) {
    ++stats_.joined;
    Joined joined{.flight = found->second};
    if (joined.flight->waiters_.empty()) joined.on_waiting = joined.flight->on_waiting_;
    joined.waiter = AddWaiter(*joined.flight, std::move(waiter));
    return joined;
  }
  SOUVENIR_ASSIGN_OR_RETURN(FlightPtr flight, Begin(key, std::move(epochs)));
  flights_[key] = flight;
  return Joined{flight, AddWaiter(*flight, std::move(waiter)), /*started=*/true, nullptr};
}

std::optional<FlightTable::Joined> FlightTable::BeginIfNone(const Fingerprint& key,
                                                            EpochStamp epochs, Waiter waiter) {
  MutexLock lock(&mutex_);
  const auto found = flights_.find(key);
  if (found != flights_.end() && epochs_->IsCurrent(found->second->epochs_)) return std::nullopt;
  if (!CheckWaiters().ok()) return std::nullopt;
  absl::StatusOr<FlightPtr> flight = Begin(key, std::move(epochs));
  if (!flight.ok()) return std::nullopt;
  flights_[key] = *flight;
  return Joined{*flight, AddWaiter(**flight, std::move(waiter)), /*started=*/true, nullptr};
}

absl::StatusOr<FlightTable::Joined> FlightTable::FlyAlone(const Fingerprint& key, EpochStamp epochs,
                                                          Waiter waiter) {
  MutexLock lock(&mutex_);
  SOUVENIR_RETURN_IF_ERROR(CheckWaiters());
  SOUVENIR_ASSIGN_OR_RETURN(FlightPtr flight, Begin(key, std::move(epochs)));
  return Joined{flight, AddWaiter(*flight, std::move(waiter)), /*started=*/true, nullptr};
}

absl::Status FlightTable::CheckWaiters() const {
  if (stats_.waiters < options_.max_waiters) return absl::OkStatus();
  return absl::ResourceExhaustedError(fmt::format(
      "{} rows wait for computations, and the limit is {}", stats_.waiters, options_.max_waiters));
}

absl::StatusOr<FlightPtr> FlightTable::Begin(const Fingerprint& key, EpochStamp epochs) {
  if (stats_.in_progress >= options_.max_flights) {
    return absl::ResourceExhaustedError(
        fmt::format("{} computations are under way, and the limit is {}", stats_.in_progress,
                    options_.max_flights));
  }
  ++stats_.in_progress;
  ++stats_.started;
  return FlightPtr(new Flight(key, std::move(epochs)));
}

FlightTable::WaiterId FlightTable::AddWaiter(Flight& flight, Waiter waiter) {
  ++stats_.waiters;
  flight.waiters_.emplace_back(next_waiter_, std::move(waiter));
  return next_waiter_++;
}

void FlightTable::WhenWaitersChange(const FlightPtr& flight, std::function<void()> callback) {
  {
    MutexLock lock(&mutex_);
    if (flight->ended_) return;
    if (!flight->waiters_.empty()) {
      flight->on_waiting_ = std::move(callback);
      return;
    }
    flight->on_waiting_ = callback;
  }
  callback();
}

bool FlightTable::Leave(const FlightPtr& flight, WaiterId waiter) {
  std::function<void()> on_waiting;
  Waiter dropped;  // destroyed outside the lock
  {
    MutexLock lock(&mutex_);
    auto& waiters = flight->waiters_;
    const auto found = std::find_if(waiters.begin(), waiters.end(),
                                    [&](const auto& entry) { return entry.first == waiter; });
    if (found == waiters.end()) return false;
    dropped = std::move(found->second);
    waiters.erase(found);
    --stats_.waiters;
    if (waiters.empty()) on_waiting = flight->on_waiting_;
  }
  if (on_waiting) on_waiting();
  return true;
}

bool FlightTable::AreDeserted(absl::Span<const FlightPtr> flights) const {
  MutexLock lock(&mutex_);
  return std::all_of(flights.begin(), flights.end(),
                     [](const FlightPtr& flight) { return flight->waiters_.empty(); });
}

bool FlightTable::Abandon(absl::Span<const FlightPtr> flights) {
  std::vector<std::function<void()>> dropped;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  for (const FlightPtr& flight : flights) {
    if (!flight->waiters_.empty()) return false;
  }
  for (const FlightPtr& flight : flights) {
    dropped.push_back(std::exchange(flight->on_waiting_, nullptr));
    Remove(flight);
  }
  return true;
}

void FlightTable::Land(const FlightPtr& flight, const FlightResult& result) {
  std::vector<std::pair<WaiterId, Waiter>> waiters;
  std::function<void()> dropped;  // destroyed outside the lock
  {
    MutexLock lock(&mutex_);
    waiters.swap(flight->waiters_);
    dropped.swap(flight->on_waiting_);
    stats_.waiters -= waiters.size();
    if (!flight->ended_) CountLanding(waiters.size());
    Remove(flight);
  }
  for (auto& [id, waiter] : waiters) std::move(waiter)(result);
}

FlightTable::Stats FlightTable::stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

void FlightTable::CountLanding(size_t waiters) {
  stats_.answered += waiters;
  auto& landed = stats_.landed_by_waiters;
  const size_t power = waiters < 2 ? 0 : static_cast<size_t>(std::bit_width(waiters - 1));
  ++landed[std::min(power, landed.size() - 1)];
}

void FlightTable::Remove(const FlightPtr& flight) {
  if (std::exchange(flight->ended_, true)) return;
  --stats_.in_progress;
  const auto found = flights_.find(flight->key_);
  // A later flight of the same key may have replaced it.
  if (found != flights_.end() && found->second == flight) flights_.erase(found);
}

}  // namespace souvenir::cache
