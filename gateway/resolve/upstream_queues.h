#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "gateway/resolve/pending_row.h"
#include "gateway/resolve/resolve_context.h"
#include "gateway/resolve/upstream_batch.h"
#include "gateway/upstream/concurrency_limit.h"
#include "gateway/upstream/fair_queue.h"

namespace souvenir::gateway {

// The rows that wait for compute: a queue for each model, with a limit of calls under way that
// follows what compute can take.
//
// While a place is free a row goes at once, so that an idle system adds no latency. Otherwise rows
// of different callers wait, and go together in one call as soon as a place is free, up to the
// model's max_batch_size. Waiting rows are shared out among the model's instances. The order is
// fair among tenants, and urgent rows go first (FairQueue). A row that nobody waits for leaves the
// queue.
//
// Owned by the resolver. Thread-safe. All rows must have landed before it is destroyed.
class UpstreamQueues {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    size_t max_waiting_rows = 16'384;  // for one model; at least 1
    int max_calls = 256;               // under way for one model; at least 1
    // Limit of calls before the first answer. 0 means one more than the instances that the model's
    // configuration names, for each server.
    int first_calls = 0;
  };

  // Figures of one model.
  struct Stats {
    std::string model;
    uint64_t waiting_rows = 0;
    uint64_t calls_under_way = 0;
    uint64_t call_limit = 0;
    uint64_t calls = 0;    // made so far
    uint64_t rows = 0;     // asked for in those calls
    uint64_t refused = 0;  // rows that found no room in the queue
  };

  UpstreamQueues(const Options& options, const ResolveContext* context)
      : options_(options), context_(context) {}

  // Computes `rows`, which are of one call and one target. If their tenant has no room, all of them
  // fail with RESOURCE_EXHAUSTED; otherwise all of them are queued.
  void Ask(PendingRows rows);

  std::vector<Stats> stats() const;

  // Drops the queues of models for which `keeps` returns false, unless they are in use. Does not
  // call it under a lock.
  void Forget(const std::function<bool(std::string_view model)>& keeps);

 private:
  // A row in a queue.
  struct Queued {
    PendingRowPtr row;
    uint64_t id = 0;  // in the queue; 0 once the row has left; guarded by the lane's mutex
  };
  using QueuedPtr = std::shared_ptr<Queued>;

  // One model, with all of its versions. Stays until Forget().
  struct Lane {
    Lane(const FairQueue<QueuedPtr>::Options& queue, const ConcurrencyLimit::Options& limit)
        : waiting(queue), limit(limit) {}

    Mutex mutex;
    FairQueue<QueuedPtr> waiting ABSL_GUARDED_BY(mutex);
    ConcurrencyLimit limit ABSL_GUARDED_BY(mutex);
    int under_way ABSL_GUARDED_BY(mutex) = 0;
    int instances ABSL_GUARDED_BY(mutex) = 1;        // of one server, or 1 if unknown
    int all_instances ABSL_GUARDED_BY(mutex) = 1;    // of all servers; `limit` follows it
    bool is_sending ABSL_GUARDED_BY(mutex) = false;  // a thread is in SendWhatMayGo()
    Stats counted ABSL_GUARDED_BY(mutex);            // only calls, rows and refused
  };
  using LanePtr = std::shared_ptr<Lane>;

  LanePtr LaneOf(const CatalogModel& model);
  // Asks once more for the rows of a failed call, each by itself. They had a place in the queue
  // before, so they get one even if the queue is full.
  void AskAgain(const LanePtr& lane, PendingRows rows);
  // REQUIRES: the lane's mutex is held. `alone`: the row shares no call.
  QueuedPtr Push(Lane& lane, PendingRowPtr row, bool alone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lane.mutex);
  // Returns how many rows of different callers may share a call: as many as compute ends one after
  // the other, if each of them hangs, in half of the call's timeout; at least 1.
  uint64_t MaxMixedRows(const CatalogModel& model) const;
  // Makes calls while places are free and rows wait.
  void SendWhatMayGo(const LanePtr& lane);
  // Takes the rows of the next call, and a place for it. If no place is free or no row waits,
  // returns null and clears `is_sending`.
  std::shared_ptr<UpstreamBatch> TakeBatch(Lane& lane);
  // Adjusts the limit to the present number of instances.
  void FollowInstances(Lane& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lane.mutex);
  void OnEnded(const LanePtr& lane, const UpstreamBatch::Outcome& outcome);
  // Drops `queued` if nobody waits for it and it is still in the queue.
  void DropIfDeserted(Lane& lane, const QueuedPtr& queued);

  const Options options_;
  const ResolveContext* const context_;

  mutable Mutex mutex_;
  std::map<std::string, LanePtr> lanes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
