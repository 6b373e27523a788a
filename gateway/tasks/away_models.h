#pragma once

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/backoff.h"
#include "common/clock.h"

namespace souvenir::gateway {

// Knows the models that no server runs at present, by the ends of attempts. A few steps of such a
// model are tried from time to time; steps of other models are not held up.
//
//   if (models.Begin("m")) ... the attempt runs ...; models.Ended("m", End::kUnavailable);
//
// It has an entry for each model with attempts that run, or whose last one failed for want of a
// server: no more than the jobs name. Not thread-safe.
class AwayModels {
 public:
  // How an attempt has ended.
  enum class End {
    kSucceeded,
    kUnavailable,  // for want of a server
    kOther,        // which says nothing about servers
  };

  // `clock` must outlive this.
  explicit AwayModels(const Clock* clock) : clock_(clock) {}

  // Returns true if a step of the model may be tried now. It then counts as running until Ended().
  bool Begin(const std::string& model) {
    Entry& entry = models_.try_emplace(model, clock_).first->second;
    const bool is_away = entry.away.failures() > kAway.free_failures;
    if (is_away && (entry.running >= kTriedWhileAway ||
                    entry.away.Remaining() > absl::ZeroDuration())) {
      return false;
    }
    ++entry.running;
    return true;
  }

  // REQUIRES: Begin(model) has returned true, and this is called once for that.
  void Ended(const std::string& model, End end) {
    const auto found = models_.find(model);
    if (found == models_.end()) return;
    Entry& entry = found->second;
    --entry.running;
    if (end == End::kUnavailable) entry.away.Failed();
    if (end == End::kSucceeded) entry.away.Succeeded();
    if (entry.running == 0 && entry.away.failures() == 0) models_.erase(found);
  }

 private:
  // Attempts in a row that fail for want of a server, with no success between them, before a model
  // counts as away.
  static constexpr Backoff::Options kAway = {.free_failures = 16};
  // Steps of a model that run at once while it is away.
  static constexpr size_t kTriedWhileAway = 4;

  struct Entry {
    explicit Entry(const Clock* clock) : away(clock, kAway) {}
    Backoff away;
    size_t running = 0;
  };

  const Clock* const clock_;
  absl::flat_hash_map<std::string, Entry> models_;
};

}  // namespace souvenir::gateway
