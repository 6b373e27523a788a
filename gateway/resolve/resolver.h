#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cache/flights.h"
#include "cache/local_tiers.h"
#include "cache/tiered_cache.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/gate.h"
#include "common/timer_queue.h"
#include "gateway/resolve/deserted_work.h"
#include "gateway/resolve/pending_row.h"
#include "gateway/resolve/refresh_log.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/resolve/resolve_context.h"
#include "gateway/resolve/upstream_queues.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// The cached path, the same for every service. Cached answers are returned at once. Questions that
// are being computed already wait for that result. Only the rest goes upstream, rows of one model
// together.
//
// Owned by the gateway; all that its Parts point to must outlive it. Thread-safe; no function
// blocks, except the destructor.
class Resolver {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    cache::FlightTable::Options flights;
    Lanes::Options lanes;
    absl::Duration call_timeout = absl::Seconds(60);  // limit of one computation
    DesertedWork::Options deserted;
    UpstreamQueues::Options upstream;
    // Returns a random number from (0, 1], for early refreshes; thread-safe.
    std::function<double()> uniform = UniformNumber;
  };

  struct Parts {
    Clock* clock;
    TimerQueue* timers;
    cache::TieredCache* cache;
    Executor* disk_executor;  // reads from disk
    Upstream* upstream;
    Catalog* catalog;
    // Hashes large inputs, such as recordings. Others should not wait for that, so that it has
    // threads of its own. Null means `disk_executor`.
    Executor* hash_executor = nullptr;
  };

  Resolver(const Options& options, const Parts& parts);

  // Waits for the rows that are under way.
  ~Resolver();

  // Answers the call's questions. If all answers are in memory this happens before it returns, on
  // this thread, except that a large request (above 64 KB) is looked up on a thread of
  // `hash_executor`. Other answers come on threads of the disk or of the upstream. Errors of an
  // answer: the upstream's own; UNAVAILABLE without upstream, and for a model that was unloaded,
  // whose cached answers are kept but not served; RESOURCE_EXHAUSTED at the bounds;
  // DEADLINE_EXCEEDED at the call's deadline; FAILED_PRECONDITION for `only-if-cached` without an
  // answer.
  void Resolve(const ResolveCallPtr& call);

  // Ends the call because the caller has gone: questions without an answer get `reason`, an error.
  // Rows that nobody else waits for are dropped if they are still in a queue. A row that compute
  // works on already goes on if its answer will be cached and the budget of deserted work has room.
  // REQUIRES: Resolve(call) has returned.
  void Cancel(const ResolveCallPtr& call, const absl::Status& reason);

  // Returns the figures of the queues in front of compute, sorted by model.
  std::vector<UpstreamQueues::Stats> upstream() const { return upstream_.stats(); }

  // Drops what is kept for models for which `keeps` returns false, unless it is in use.
  void Forget(const std::function<bool(std::string_view model)>& keeps) { upstream_.Forget(keeps); }

  cache::FlightTable::Stats flights() const { return flights_.stats(); }
  // Cancels calls that nobody waits for, now and from now on; part of a stop.
  void GiveUpDeserted() { deserted_.Close(); }

  DesertedWork::Stats deserted() const { return deserted_.stats(); }

  // The lanes of all calls. Use cases enter theirs.
  Lanes* lanes() { return &lanes_; }
  const Lanes& lanes() const { return lanes_; }

 private:
  // Looks up all questions in memory, and handles those that are not found.
  void LookUp(const ResolveCallPtr& call);
  // Computes the questions `open`, except those that are being computed already.
  void Compute(const ResolveCallPtr& call, const std::vector<size_t>& open);
  // The first step of the flights that a call began.
  enum class First {
    kLookUp,   // ask the tiers, and compute the rows that they do not have
    kCompute,  // compute at once: the entries of the tiers are to be replaced
  };
  // Brings the flights of `rows`, which are of one call and one target, to an answer.
  void Fly(PendingRows rows, First first);
  // Returns the row for a flight that `call` began. If the gateway is stopping, fails the flight
  // and returns null.
  PendingRowPtr MakeRow(const ResolveCallPtr& call, size_t question,
                        const cache::FlightPtr& flight);
  // Puts a question into a flight, which is its own if `alone`. Returns the flight if it began with
  // the question, and null if another call computes it. A question that finds no room is answered
  // with the error.
  cache::FlightPtr TakeOff(const ResolveCallPtr& call, size_t question, bool alone);
  // Returns the answer that an entry gives to `question`, and starts a refresh if one is due. The
  // entry may answer it.
  Answer AnswerFrom(const ResolveCallPtr& call, size_t question, cache::EntryPtr entry,
                    Freshness freshness, CacheKind kind);
  // Answers `question` with it.
  void FinishFrom(const ResolveCallPtr& call, size_t question, cache::EntryPtr entry,
                  Freshness freshness, CacheKind kind) {
    Finish(*call, question, AnswerFrom(call, question, std::move(entry), freshness, kind));
  }
  bool IsDueEarly(const ResolveCall& call, size_t question, const cache::Entry& entry) const;
  // Computes `question` in the background, unless that is under way or failed just now.
  void Refresh(const ResolveCallPtr& call, size_t question);
  cache::EpochStamp StampFor(const ResolveCall& call, const Target& target,
                             const cache::Fingerprint& key) const;
  // Makes the deadline end the call, if the call still waits for an answer.
  void WaitForDeadline(const ResolveCallPtr& call);
  void OnLanded(const ResolveCallPtr& call, size_t question, bool first,
                const cache::FlightResult& result);
  void Finish(ResolveCall& call, size_t question, Answer answer) {
    call.Finish(question, std::move(answer), parts_.timers);
  }

  const Options options_;
  const Parts parts_;
  cache::FlightTable flights_;
  RefreshLog refreshes_;
  DesertedWork deserted_;
  Lanes lanes_;
  cache::MemoryLookup memory_lookup_;
  cache::DiskLookup disk_lookup_;
  const ResolveContext context_;
  UpstreamQueues upstream_;
  Gate pending_rows_;
};

}  // namespace souvenir::gateway
