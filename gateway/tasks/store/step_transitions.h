#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/tasks/store/scan_start.h"
#include "gateway/tasks/store/task_batch.h"
#include "gateway/tasks/store/task_queues.h"
#include "gateway/tasks/task_types.h"

namespace souvenir::gateway {

// Times in records: microseconds since 1970.
inline int64_t ToMicros(absl::Time time) { return absl::ToUnixMicros(time); }
inline absl::Time FromMicros(int64_t micros) { return absl::FromUnixMicros(micros); }

// Returns true for a step that may end the process: it was running at an end of it alone, or at two
// ends with others. Suspects run one at a time, so that the guilty one is found among the innocent,
// and that one crash of a gateway does not make it slow.
inline bool IsSuspect(const state::v1::TaskStep& step) {
  return step.lost() >= 1 || step.lost_together() >= 2;
}

// Figures that are told on any thread.
struct TaskFigures {
  // Forgets those that are counted when a store is opened.
  void Clear() {
    for (std::atomic<uint64_t>* const figure : {&jobs, &steps, &scheduled, &dead_letters}) {
      *figure = 0;
    }
  }

  std::atomic<uint64_t> jobs{0};
  std::atomic<uint64_t> steps{0};
  std::atomic<uint64_t> scheduled{0};
  std::atomic<uint64_t> dead_letters{0};
  std::atomic<uint64_t> late_outcomes{0};
  std::atomic<uint64_t> lost_attempts{0};
};

// The ways of a step from one state to the next, as changes of a batch. The end of a step counts
// down those that need it, in the same batch; beyond a bound it leaves news for later. No other
// code changes the state of a step.
//
// Owned by the store, and used by the thread that writes it. If a batch cannot be written, this
// knows more than the disk, and must be made anew.
class StepTransitions {
 public:
  // `piece` is the most steps that one change counts down. More are counted down by later changes.
  StepTransitions(size_t piece, TaskQueues* queues, TaskFigures* figures)
      : piece_(piece), queues_(queues), figures_(figures) {}

  // Makes a step ready, or has it wait for its time, or ends it if its job is ending. REQUIRES: it
  // is pending and no step that it needs is open.
  void Begin(TaskBatch& batch, StepRef ref, absl::Time now, Moves* moves);
  // Makes a step ready that waits for a time or was running.
  void MakeReady(TaskBatch& batch, StepRef ref, Moves* moves);
  // Has a running step wait until `due`.
  void Schedule(TaskBatch& batch, StepRef ref, absl::Time due, Moves* moves);
  // Moves a ready step to the end of its queue.
  void MoveToEnd(TaskBatch& batch, StepRef ref, Moves* moves);
  // Takes a step from its queue: it runs. REQUIRES: it is ready.
  void Run(TaskBatch& batch, StepRef ref);

  // Ends a step, which is in no queue and has no timer any more.
  void End(TaskBatch& batch, StepRef ref, StepState state, absl::Time now, Moves* moves);
  // Ends a step that waits, as a step of a job that is ending does.
  void EndWaiting(TaskBatch& batch, StepRef ref, absl::Time now, Moves* moves);
  // Returns the state in which the steps of a job that is ending end.
  static StepState EndOf(const state::v1::TaskJob& job);

  // Tells the steps that need `ref` how it has ended.
  void Tell(StepRef ref, bool succeeded, uint32_t generation);
  // Counts down the steps that need those that have ended. Called after the functions above, once
  // for each change. News that are left are written, and `moves->more` is set.
  void Spread(TaskBatch& batch, absl::Time now, Moves* moves);
  // Takes up news that were left by earlier changes.
  void TakeUp(TaskBatch& batch, Moves* moves);

  // Ends a job whose other records cannot be read: all its steps that have not ended are cancelled.
  void EndLost(TaskBatch& batch, JobNumber number, const std::string& message, Moves* moves);
  // Ends the jobs and steps whose records the batch could not read, so that all others go on.
  // Called last, when all else was changed. Returns false if there are none.
  bool EndDamaged(TaskBatch& batch, absl::Time now, Moves* moves);

  // Ends a job if all its steps have ended, or begins its failure step.
  void CheckJob(TaskBatch& batch, JobNumber job, absl::Time now, Moves* moves);

  // Begins work on all steps of a job, in place of such work that was under way.
  void BeginSweep(TaskBatch& batch, JobNumber number, const state::v1::TaskSweep& sweep);
  // The jobs with such work, and perhaps others. Those alone are looked up: a scan would step over
  // the deleted records of all jobs that were ever begun.
  std::set<JobNumber>* sweeping() { return &sweeping_; }
  ScanStart* timers() { return &timers_; }
  ScanStart* expiries() { return &expiries_; }

  bool has_news_left() const { return news_left_; }
  void ExpectNews() { news_left_ = true; }
  void SetNextReady(uint64_t sequence) { next_ready_ = sequence; }
  TaskQueue* QueueOf(const state::v1::TaskStep& step) const { return queues_->At(step.queue()); }

  // Adds a job or queue to a list of Moves, once.
  static void Note(JobNumber job, std::vector<JobNumber>* list);
  static void Note(const std::string& queue, std::vector<std::string>* list);
  static void Add(const Moves& moves, Moves* sum);

 private:
  struct News {
    StepRef ref;
    bool succeeded;
    uint32_t generation;
    uint32_t next = 0;
  };

  // Tells as many steps as `budget` allows. Returns false if some are left.
  bool TellFrom(TaskBatch& batch, News* news, size_t* budget, absl::Time now, Moves* moves);
  void RemoveReady(TaskBatch& batch, const state::v1::TaskStep& step);
  void EndJob(TaskBatch& batch, JobNumber number, absl::Time now, Moves* moves);
  static void AddEvent(TaskBatch& batch, JobNumber number, state::v1::TaskEvent event,
                       absl::Time now, Moves* moves);

  const size_t piece_;
  TaskQueues* const queues_;
  TaskFigures* const figures_;
  std::deque<News> news_;   // of the present change
  bool news_left_ = false;  // there may be news on disk
  uint64_t next_ready_ = 1;
  std::set<JobNumber> sweeping_;
  ScanStart timers_{"t"};
  ScanStart expiries_{"x"};
};

}  // namespace souvenir::gateway
