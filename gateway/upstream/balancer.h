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

// The outcome of a call to an endpoint.
enum class CallOutcome {
  kOk,
  kFailed,     // an error about the request or the model
  kLost,       // UNAVAILABLE: the endpoint was not reached, or it or a worker of it was lost
  kExhausted,  // RESOURCE_EXHAUSTED: the endpoint's queue is full
  kCancelled,  // cancelled, because nobody wanted the answer any more
};
inline constexpr size_t kCallOutcomes = 5;
std::string_view CallOutcomeName(CallOutcome outcome);  // "ok", "failed", "lost", ...
CallOutcome CallOutcomeOf(const absl::Status& status);

// Chooses the endpoint of a call. Candidates answer and have the model ready; endpoints with the
// wanted digest come first, and those that are still loading the model come last. Among equals the
// endpoint with the fewest calls under way is chosen, and if several have the fewest, they take
// turns.
//
// An endpoint that several calls in a row do not reach, or that goes away with them, is ejected: it
// gets no calls during a pause. A worker that is lost at an endpoint which answers
// (RowFault::kLostAtServer) does not count, because rows of one caller can kill workers. After the
// pause one call tests the endpoint. Each time that this call is lost too, the next pause is twice
// as long. If all endpoints are ejected or away, they are called anyway: a call that fails tells
// more than a call that is not made.
//
// Owned by an EndpointSet, which owns the endpoints too. Thread-safe. A choice looks at each
// endpoint once, under one lock. The clock must outlive the balancer.
class Balancer {
 public:
  // Set by code alone, so the bounds are the caller's to keep.
  struct Options {
    Backoff::Options ejection = {
        .free_failures = 2, .first = absl::Milliseconds(500), .longest = absl::Seconds(30)};
  };
  using Wanted = EndpointModels::Wanted;

  Balancer(const Clock* clock, const Options& options) : clock_(clock), options_(options) {}

  // Adds an endpoint. It may be chosen from now on, but counts as away until SetAnswers().
  void Add(const Endpoint* endpoint);
  // Removes an endpoint: it is not chosen any more. It may be destroyed once IsIdle().
  void Remove(const Endpoint* endpoint);
  // Returns true if all calls that began at the endpoint have ended.
  bool IsIdle(const Endpoint* endpoint) const;

  // Notes that the endpoint answers, and its models. If it was away, its losses are forgotten.
  void SetAnswers(const Endpoint* endpoint, std::shared_ptr<const EndpointModels> ready);
  // Notes that the endpoint does not answer, with the reason.
  void SetAway(const Endpoint* endpoint, const absl::Status& reason);

  // Chooses an endpoint and begins a call. Returns nullptr if there is no endpoint at all.
  const Endpoint* Begin(const Wanted& wanted);
  // Chooses an endpoint for a call that was begun at `failed`: another one that answers, is not
  // ejected and has or loads the model. Returns nullptr if there is none.
  const Endpoint* BeginElsewhere(const Wanted& wanted, const Endpoint* failed);
  // Begins a call at `endpoint`. Returns nullptr if that was removed.
  const Endpoint* BeginAt(const Endpoint* endpoint);
  // Ends a call that was begun. Returns true if that ejected the endpoint.
  bool End(const Endpoint* endpoint, const absl::Status& status);

  // Returns all endpoints, or only those that answer if any does. Each has one more call under way
  // until Release().
  enum class Which { kAll, kAnswering };
  std::vector<const Endpoint*> Hold(Which which);
  void Release(const Endpoint* endpoint);

  // Counts that a call which failed at `endpoint` is made once more.
  void CountRetry(const Endpoint* endpoint);

  // Returns UNAVAILABLE if there are several endpoints, and all of them are away or ejected. It
  // says how many are which; its detail has the known reasons. Otherwise returns nullopt.
  std::optional<absl::Status> NoneHealthy() const;

  // Figures of the endpoints of one configured name.
  struct Stats {
    size_t ready = 0;    // endpoints that answer and are not ejected
    size_t ejected = 0;  // endpoints that answer but lose calls
    size_t away = 0;
    size_t outstanding = 0;  // calls under way
    size_t left_out = 0;     // models that are ignored because of their names
    std::array<uint64_t, kCallOutcomes> calls{};
    uint64_t retries = 0;    // calls that failed here and were made once more
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
    std::string trouble;  // the last failure of the endpoint itself
  };

  Member* Find(const Endpoint* endpoint) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsHealthy(const Member& member) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns the rank for a call; less is better.
  int Rank(const Member& member, const Wanted& wanted) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts a call that the endpoint lost. Returns true if that ejected it.
  bool CountLoss(Member* member, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Leave(Member* member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropIfLeft(const Member* member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Endpoint* Choose(const Wanted& wanted, const Endpoint* not_this, int worst_rank)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  const Options options_;

  mutable Mutex mutex_;
  std::list<Member> members_ ABSL_GUARDED_BY(mutex_);  // includes removed ones until they are idle
  std::map<std::string, Stats> counted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
