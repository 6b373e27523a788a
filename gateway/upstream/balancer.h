#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "gateway/upstream/endpoint.h"

namespace souvenir::gateway {

// What became of a call to an endpoint.
enum class CallOutcome {
  kOk,
  kFailed,     // an error that speaks of the request or of the model
  kLost,       // UNAVAILABLE: not reached, or gone before the answer came
  kExhausted,  // RESOURCE_EXHAUSTED: its queue is full
  kCancelled,  // nobody wanted the answer any more
};
inline constexpr size_t kCallOutcomes = 5;
std::string_view CallOutcomeName(CallOutcome outcome);  // "ok", "failed", "lost", ...
CallOutcome CallOutcomeOf(const absl::Status& status);

// Decides which endpoint a call goes to: of those that answer and have the model ready, with the
// digest that is wanted if any of them has it, the one with the fewest calls under way; of several
// such, one after the other. One that is just loading the model comes after those that have it.
//
// An endpoint that loses several calls in a row is ejected: it is left alone for a pause, which
// doubles each time that the one call it is then tried with is lost too. Where all that could
// answer are ejected or away they are asked all the same: a call that fails tells more than one
// that is not made.
//
// Owned by an EndpointSet, which owns the endpoints too. Thread-safe; a choice looks at each
// endpoint once, under one lock. The clock must outlive it.
class Balancer {
 public:
  struct Options {
    Backoff::Options ejection = {
        .free_failures = 2, .first = absl::Milliseconds(500), .longest = absl::Seconds(30)};
  };
  using Wanted = EndpointModels::Wanted;

  Balancer(const Clock* clock, const Options& options) : clock_(clock), options_(options) {}

  // It may be chosen from now on, but is away until SetAnswers().
  void Add(const Endpoint* endpoint);
  // It is chosen no more. It may go once IsIdle().
  void Remove(const Endpoint* endpoint);
  // Whether no call that was begun there has yet to end.
  bool IsIdle(const Endpoint* endpoint) const;

  // It says what it has. One that was away has all its losses forgotten.
  void SetAnswers(const Endpoint* endpoint, std::shared_ptr<const EndpointModels> ready);
  // It does not answer, for that reason.
  void SetAway(const Endpoint* endpoint, const absl::Status& reason);

  // Chooses, and begins a call; nullptr where there is no endpoint at all.
  const Endpoint* Begin(const Wanted& wanted);
  // Chooses for a call that was begun at `failed`: another that answers and has the model, or loads
  // it. nullptr where there is none.
  const Endpoint* BeginElsewhere(const Wanted& wanted, const Endpoint* failed);
  // Begins a call at `endpoint`; nullptr where that has been removed.
  const Endpoint* BeginAt(const Endpoint* endpoint);
  // Ends a call that was begun; true where that ejected the endpoint.
  bool End(const Endpoint* endpoint, const absl::Status& status);

  // Every endpoint, or those that answer, if any does; each as if a call were begun there, and
  // until Release().
  enum class Which { kAll, kAnswering };
  std::vector<const Endpoint*> Hold(Which which);
  void Release(const Endpoint* endpoint);

  // A call that failed at `endpoint` is made once more.
  void CountRetry(const Endpoint* endpoint);

  // UNAVAILABLE where all endpoints are away or ejected, of several; what is known of why is its
  // detail. Nothing otherwise.
  std::optional<absl::Status> AllAway() const;

  // Numbers by configured name.
  struct Stats {
    size_t ready = 0;    // endpoints that answer, and are not ejected
    size_t ejected = 0;  // that answer, and lose calls
    size_t away = 0;
    size_t outstanding = 0;  // calls under way
    size_t left_out = 0;     // models, because of their names
    std::array<uint64_t, kCallOutcomes> calls{};
    uint64_t retries = 0;    // calls that failed there and were made once more
    uint64_t ejections = 0;  // times that one was ejected
  };
  // Returns the number of endpoints that answer.
  size_t answering() const;

  std::map<std::string, Stats> stats() const;

 private:
  struct Member {
    const Endpoint* endpoint;
    Backoff losses;
    bool answers = false;
    bool removed = false;
    size_t outstanding = 0;
    std::shared_ptr<const EndpointModels> ready;
    std::string trouble;  // what it failed with last
  };

  Member* Find(const Endpoint* endpoint) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsHealthy(const Member& member) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Less is better.
  int Rank(const Member& member, const Wanted& wanted) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Leave(Member* member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropIfLeft(const Member* member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Endpoint* Choose(const Wanted& wanted, const Endpoint* not_this, int worst_rank)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  const Options options_;

  mutable Mutex mutex_;
  std::list<Member> members_ ABSL_GUARDED_BY(mutex_);  // those removed too, until they are idle
  std::map<std::string, Stats> counted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
