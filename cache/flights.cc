#include "cache/flights.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace souvenir::cache {

absl::StatusOr<FlightTable::Joined> FlightTable::Join(const Fingerprint& key,
                                                      const EpochStamp& epochs, Waiter waiter) {
  MutexLock lock(&mutex_);
  if (waiters_ >= options_.max_waiters) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} rows wait for computations, and the limit is {}", waiters_, options_.max_waiters));
  }
  Joined joined;
  const auto found = flights_.find(key);
  if (found != flights_.end() && epochs_->IsCurrent(found->second->epochs_)) {
    joined.flight = found->second;
    ++joined_;
  } else {
    if (in_progress_ >= options_.max_flights) {
      return absl::ResourceExhaustedError(
          fmt::format("{} computations are under way, and the limit is {}", in_progress_,
                      options_.max_flights));
    }
    joined.flight = FlightPtr(new Flight(key, epochs));
    joined.started = true;
    flights_[key] = joined.flight;
    ++in_progress_;
    ++started_;
  }
  joined.waiter = next_waiter_++;
  joined.flight->waiters_.emplace_back(joined.waiter, std::move(waiter));
  ++waiters_;
  return joined;
}

void FlightTable::OnDeserted(const FlightPtr& flight, std::function<void()> callback) {
  {
    MutexLock lock(&mutex_);
    if (flight->ended_) return;
    flight->on_deserted_ = callback;
    if (!flight->waiters_.empty()) return;
  }
  callback();
}

bool FlightTable::Leave(const FlightPtr& flight, WaiterId waiter) {
  std::function<void()> on_deserted;
  Waiter dropped;  // destroyed outside the lock
  {
    MutexLock lock(&mutex_);
    auto& waiters = flight->waiters_;
    const auto found = std::find_if(waiters.begin(), waiters.end(),
                                    [&](const auto& entry) { return entry.first == waiter; });
    if (found == waiters.end()) return false;
    dropped = std::move(found->second);
    waiters.erase(found);
    --waiters_;
    if (waiters.empty()) on_deserted = flight->on_deserted_;
  }
  if (on_deserted) on_deserted();
  return true;
}

bool FlightTable::Abandon(absl::Span<const FlightPtr> flights) {
  std::vector<std::function<void()>> dropped;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  for (const FlightPtr& flight : flights) {
    if (!flight->waiters_.empty()) return false;
  }
  for (const FlightPtr& flight : flights) {
    dropped.push_back(std::exchange(flight->on_deserted_, nullptr));
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
    dropped.swap(flight->on_deserted_);
    waiters_ -= waiters.size();
    Remove(flight);
  }
  for (auto& [id, waiter] : waiters) std::move(waiter)(result);
}

FlightTable::Stats FlightTable::stats() const {
  MutexLock lock(&mutex_);
  return {in_progress_, waiters_, started_, joined_};
}

void FlightTable::Remove(const FlightPtr& flight) {
  if (std::exchange(flight->ended_, true)) return;
  --in_progress_;
  const auto found = flights_.find(flight->key_);
  // A later flight of the same key may have its place.
  if (found != flights_.end() && found->second == flight) flights_.erase(found);
}

}  // namespace souvenir::cache
