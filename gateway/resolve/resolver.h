#pragma once

#include <atomic>
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

// The cached path, the same for every service: what is remembered is answered at once, what is
// being computed is waited for, and only what is left goes upstream, rows of one model together.
//
// Owned by the gateway; all that its Parts point to must outlive it. Thread-safe; nothing here
// blocks.
class Resolver {
 public:
  struct Options {
    cache::FlightTable::Options flights;
    uint64_t max_bytes = 256u << 20;                  // of inputs that wait to be computed
    absl::Duration call_timeout = absl::Seconds(60);  // of one computation
    DesertedWork::Options deserted;
    UpstreamQueues::Options upstream;
    // A number from (0, 1] at random, for refreshing early; thread-safe.
    std::function<double()> uniform = UniformNumber;
  };

  struct Parts {
    Clock* clock;
    TimerQueue* timers;
    cache::TieredCache* cache;
    Executor* disk_executor;  // reads; hashes what is large
    Upstream* upstream;
    Catalog* catalog;
  };

  Resolver(const Options& options, const Parts& parts);

  // Waits for what is under way.
  ~Resolver();

  // Answers the call's questions. When all of them are remembered in memory this happens before it
  // returns, on this thread; else on threads of the disk or of the upstream. An answer is an error
  // where the question cannot be computed: the upstream's own; UNAVAILABLE without upstream
  // and for a model that was unloaded, whose remembered answers are kept and not served;
  // RESOURCE_EXHAUSTED at the bounds; DEADLINE_EXCEEDED at the call's deadline; FAILED_PRECONDITION
  // for `only-if-cached` without an answer.
  void Resolve(const ResolveCallPtr& call);

  // Answers what is still open with `reason`, an error: the caller has gone. What nobody else waits
  // for and compute has not been asked for is given up; what it has been asked for goes on, if it
  // will be remembered and as far as the budget of deserted work goes. REQUIRES: Resolve(call) has
  // returned.
  void Cancel(const ResolveCallPtr& call, const absl::Status& reason);

  // Returns the figures of the queues in front of compute, sorted by model.
  std::vector<UpstreamQueues::Stats> upstream() const { return upstream_.stats(); }

  cache::FlightTable::Stats flights() const { return flights_.stats(); }
  // Gives up what nobody waits for, and from now on whatever is deserted: for a stop.
  void GiveUpDeserted() { deserted_.Close(); }

  DesertedWork::Stats deserted() const { return deserted_.stats(); }
  uint64_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }

 private:
  // Looks all questions up in memory, and sees to those that are not there.
  void LookUp(const ResolveCallPtr& call);
  // Has the questions `open` computed, unless that is under way already.
  void Compute(const ResolveCallPtr& call, const std::vector<size_t>& open);
  // What the flights that a call began do first.
  enum class First {
    kLookUp,   // ask the tiers, and compute for what they do not have
    kCompute,  // compute at once: what the tiers have is to be replaced
  };
  // Brings the flights of `rows`, which are of one call and one target, to an answer.
  void Fly(PendingRows rows, First first);
  // Returns the row for a flight that `call` began; null, and the flight has failed, if the gateway
  // is stopping.
  PendingRowPtr MakeRow(const ResolveCallPtr& call, size_t question,
                        const cache::FlightPtr& flight);
  // Puts a question into a flight, which is its own if `alone`. Returns the flight if it began with
  // the question, and null if another has it computed. A question that finds no place is answered.
  cache::FlightPtr TakeOff(const ResolveCallPtr& call, size_t question, bool alone);
  // Answers `question` with an entry that may answer it, and has it computed again in time.
  void FinishFrom(const ResolveCallPtr& call, size_t question, cache::EntryPtr entry,
                  Freshness freshness, CacheKind kind);
  bool IsDueEarly(const ResolveCall& call, size_t question, const cache::Entry& entry) const;
  // Has `question` computed in the background, unless that is under way or failed just now.
  void Refresh(const ResolveCallPtr& call, size_t question);
  cache::EpochStamp StampFor(const ResolveCall& call, const Target& target,
                             const cache::Fingerprint& key) const;
  // Has the deadline end the call, if it still waits for anything.
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
  std::atomic<uint64_t> waiting_bytes_{0};
  cache::MemoryLookup memory_lookup_;
  cache::DiskLookup disk_lookup_;
  const ResolveContext context_;
  UpstreamQueues upstream_;
  Gate pending_rows_;
};

}  // namespace souvenir::gateway
