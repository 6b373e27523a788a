#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/metrics/histogram.h"
#include "common/mutex.h"
#include "common/periodic_thread.h"
#include "gateway/tasks/away_models.h"
#include "gateway/tasks/job_watchers.h"
#include "gateway/tasks/step_runner.h"
#include "gateway/tasks/task_store.h"

namespace souvenir::gateway {

// Runs the ready steps of a task store, and tells the store how they end.
//
// One thread takes as many steps as there is room for, starts them, and commits what has ended. So
// the outcomes that come during one commit go into the next together. The room shrinks when compute
// refuses work, and grows again while it does not: it is halved once, however many of the steps
// that run are refused. A step that the gateway itself has no room for goes back into its queue,
// and nothing of its policy is used up. While a model has no server, a few of its steps are tried
// from time to time, and the others stay in their queues. Steps of other models go on.
//
// Owned by the gateway. Thread-safe.
class Scheduler {
 public:
  enum class Mode {
    kThread,
    kManual,  // there is no thread; a test calls Round()
  };

  struct Options {
    size_t max_running = 256;  // steps that run at once; at least 1
    Mode mode = Mode::kThread;
    // Returns a random number from [0, 1), for pauses; thread-safe.
    std::function<double()> uniform;
  };

  // All must outlive the scheduler.
  struct Parts {
    Clock* clock;
    TaskStore* store;
    StepRunner* runner;
    JobWatchers* watchers;
  };

  Scheduler(Options options, const Parts& parts);

  // Calls Stop().
  ~Scheduler();

  // Takes note of a change of the store that another one has made: there may be steps to run, steps
  // to give up and watchers to tell. Does not block.
  void OnMoves(const Moves& moves);

  // Gives up the steps that run, which then count as not begun, and ends the thread. Blocks;
  // idempotent.
  void Stop();

  // Does what there is to do now, and returns the time until there is something again. Called by
  // the thread, or by a test.
  absl::Duration Round();

  struct Stats {
    uint64_t running = 0;
    uint64_t running_limit = 0;  // follows what compute takes
    uint64_t started = 0;        // attempts
    uint64_t succeeded = 0;      // attempts, by their outcome
    uint64_t failed = 0;
    uint64_t retried = 0;
    uint64_t given_up = 0;
    uint64_t rows = 0;
    uint64_t remembered_rows = 0;
  };
  Stats stats() const;
  // The time that attempts took.
  const DurationHistogram& run_times() const { return run_times_; }

 private:
  struct RunKey {
    StepRef ref;
    uint32_t attempt;
    bool operator==(const RunKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H state, const RunKey& key) {
      return H::combine(std::move(state), key.ref, key.attempt);
    }
  };
  struct Run {
    ClaimedStep step;
    absl::Duration begun;
    uint64_t number = 0;  // of the attempt, in the order of their starts
    std::shared_ptr<StepRunner::Attempt> attempt;  // null while it is being started
    bool given_up = false;
    bool held_back = false;  // its model is away, and nothing was tried
    std::string model;       // "": it was not told
  };
  struct Ended {
    RunKey key;
    StepResult result;
  };

  void Poke();
  // Takes note of a change. Returns true if there may be something to do.
  bool Note(const Moves& moves);
  void OnDone(const RunKey& key, StepResult result);
  // Commits the attempts that have ended. Returns false if there were none.
  bool CommitEnded();
  Outcome Judge(const Run& run, StepResult result);
  // Lets the limit follow what the outcome of `run` says about compute.
  void Adapt(const Run& run, const Outcome& outcome);
  void MaintainIfDue();
  void GiveUpStopped();
  // Starts steps while there is room. Returns true if any was started.
  bool StartSteps();
  // Starts a step. Returns false if its model is away; the step then goes back into its queue.
  bool Start(const ClaimedStep& step);
  // Returns the time until there may be room for steps that could not start.
  absl::Duration Pause() const;
  // Takes note of a failure of the store: what it knows of the present attempts is void.
  void OnStoreError(const absl::Status& status);

  const Options options_;
  const Parts parts_;
  DurationHistogram run_times_;
  std::atomic<uint64_t> started_{0};
  std::atomic<uint64_t> succeeded_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<uint64_t> retried_{0};
  std::atomic<uint64_t> given_up_{0};
  std::atomic<uint64_t> rows_{0};
  std::atomic<uint64_t> remembered_rows_{0};
  std::atomic<uint64_t> running_{0};
  std::atomic<uint64_t> limit_;

  // Used by the thread that calls Round() alone.
  absl::flat_hash_map<RunKey, Run> runs_;
  AwayModels models_;
  // Monotonic times until which queues rest, because steps of models that are away came from them.
  absl::flat_hash_map<std::string, absl::Duration> rests_;
  Backoff full_;                // while the gateway has no room
  bool found_no_room_ = false;  // since the last commit
  uint64_t halved_at_ = 0;      // attempts that had begun when the limit was halved last
  size_t next_queue_ = 0;       // the queue that has the first turn
  uint64_t successes_ = 0;      // since the limit last changed

  Mutex mutex_;
  CondVar has_ended_;
  std::vector<Ended> ended_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<JobNumber> stopped_jobs_ ABSL_GUARDED_BY(mutex_);
  absl::Time maintain_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool was_stopped_ = false;  // for the thread that calls Stop()

  std::unique_ptr<PeriodicThread> thread_ ABSL_GUARDED_BY(mutex_);  // set once
};

}  // namespace souvenir::gateway
