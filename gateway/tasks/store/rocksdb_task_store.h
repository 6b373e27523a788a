#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/gate.h"
#include "common/mutex.h"
#include "gateway/tasks/task_store.h"

namespace souvenir::gateway {

class TaskBatch;
class TaskChanges;
class TaskDatabase;
class TaskQueues;
class TaskUpkeep;
class StepTransitions;
struct TaskFigures;

// A TaskStore in a RocksDB of its own, for one gateway. Never the cache's, which may be deleted.
//
// One thread, the committer, makes all changes. While it syncs one group of changes, others gather,
// and go to disk together with the next sync. Ends of steps are synced within kSyncWithin, or with
// the end of their job: a kill of the process loses none, and a crash of the machine has the last
// ones run again. Steps that are queued are on disk alone: memory has
// figures of queues, and the attempts that are running.
//
// Owned by the gateway. Thread-safe.
class RocksDbTaskStore final : public TaskStore {
 public:
  static constexpr absl::Duration kSyncWithin = absl::Milliseconds(50);
  // The least time between two attempts to make a store smaller that is at its limit.
  static constexpr absl::Duration kShrinkEvery = absl::Seconds(1);
  // The pause between attempts to open a store again that has failed.
  static constexpr absl::Duration kReopenEvery = absl::Seconds(1);

  // The limits were checked with the configuration.
  struct Options {
    std::string directory;
    // A program whose main() begins with storage::RunAsStoreCheck(). It checks the store before it
    // is opened. "": no program does.
    std::string checker;
    uint64_t max_steps = 10'000'000;         // of all jobs that have not expired
    uint64_t max_bytes = uint64_t{8} << 30;  // of the store
    uint32_t max_queues = 256;
    uint32_t max_lost_attempts = 5;          // ends of the process that a step may be to blame for
    // Steps that one piece of work on a large job handles. Set by code alone; at least 1.
    size_t piece = 4096;
    Clock* clock = Clock::System();  // outlives the store
    // Told when the store begins to fail, and when it works again. On the committer's thread; must
    // not block.
    std::function<void(bool healthy)> on_health = [](bool) {};
  };

  // Opens or creates a store, and makes the steps ready that were running. FAILED_PRECONDITION if
  // another process has it open or its schema is unknown. DATA_LOSS if it is damaged: jobs that
  // were accepted must not be lost silently, so that a damaged store is neither replaced nor moved.
  static absl::StatusOr<std::unique_ptr<RocksDbTaskStore>> Open(const Options& options);

  // Waits for the changes that were asked for.
  ~RocksDbTaskStore() override;

  std::string NameOf(JobNumber job) const override;
  std::optional<JobNumber> NumberOf(std::string_view name) const override;

  absl::StatusOr<Begun> Begin(const JobOptions& options, absl::Time now) override;
  absl::Status Append(JobNumber job, std::vector<NewStep> steps, std::vector<Blob> blobs) override;
  absl::StatusOr<Sealed> Seal(JobNumber job, const JobGraph& graph, const SpecialSteps& special,
                              absl::Time now) override;
  void Abandon(JobNumber job) override;

  absl::StatusOr<std::vector<ClaimedStep>> Claim(const std::string& queue, size_t most) override;
  absl::StatusOr<Moves> Commit(std::vector<Outcome> outcomes, absl::Time now) override;
  absl::StatusOr<Moves> Maintain(absl::Time now) override;
  void SetWake(std::function<void()> wake) override;
  absl::StatusOr<Moves> Cancel(JobNumber job, absl::Time now) override;
  absl::StatusOr<Moves> Requeue(JobNumber job, std::vector<uint32_t> steps,
                                const std::string& override, absl::Time now) override;
  absl::StatusOr<QueueInfo> ChangeQueue(const std::string& name, const QueueChange& change,
                                        bool create) override;

  absl::StatusOr<JobInfo> GetJob(JobNumber job) const override;
  absl::StatusOr<Page<JobInfo, JobNumber>> ListJobs(JobNumber before, size_t most) const override;
  absl::StatusOr<uint32_t> FindStep(JobNumber job, std::string_view id) const override;
  absl::StatusOr<StepInfo> GetStep(StepRef step, bool with_spec) const override;
  absl::StatusOr<std::optional<uint32_t>> ResultStep(JobNumber job) const override;
  absl::StatusOr<std::string> ReadResult(StepRef step) const override;
  absl::StatusOr<std::string> ReadBlob(JobNumber job, const Sha256Digest& digest) const override;
  absl::StatusOr<StepWork> ReadWork(StepRef step) const override;
  absl::StatusOr<std::vector<TaskEvent>> ReadEvents(JobNumber job, uint64_t from,
                                                    size_t most) const override;
  absl::StatusOr<Page<StepRef, std::optional<StepRef>>> ListDeadLetters(
      std::optional<StepRef> after, JobNumber job, size_t most) const override;
  std::vector<QueueInfo> Queues() const override;
  Stats stats() const override;

 private:
  // A change on its way to the committer. It lives on the stack of a caller who waits for it, or is
  // owned by the list.
  struct Change {
    enum class Kind {
      kWritten,  // goes to the operating system: a crash of the machine may lose it
      kSyncedSoon,
      kSynced,
      kClaim,  // must see what changes before it have written; else as kWritten
    };
    Kind kind;
    bool reopens = false;  // opens a store again that has failed
    std::function<absl::Status(TaskBatch&)> apply;
    absl::Status status;
    bool done = false;
    bool is_awaited = true;  // else the committer deletes it
  };
  // The open store. Its parts know as much as the disk.
  struct Core;
  class Reading;

  explicit RocksDbTaskStore(const Options& options);

  absl::Status OpenCore(bool again);
  void CloseCore();
  // Opens the store again after a failure, if there is room for that on the disk.
  absl::Status Reopen();

  // Has the committer make the change, and waits for it. Returns the status of `apply`, or of the
  // write.
  absl::Status Make(Change::Kind kind, std::function<absl::Status(TaskBatch&)> apply,
                    bool reopens = false);
  void RunCommitter();
  // Takes the next changes that can go together.
  std::vector<Change*> NextGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeGroup(const std::vector<Change*>& group);
  // Has what was deleted make room if the store is at its limit.
  void ShrinkIfFull();
  // Takes note of what a write has synced, or must be synced soon.
  void NoteWritten(bool synced, bool soon);
  // Syncs what was written.
  void Sync();
  void NoteFailure(const absl::Status& written);
  // Calls `wake_`.
  void Wake();

  const Options options_;
  uint32_t store_id_ = 0;  // set by Open()
  const std::unique_ptr<TaskQueues> queues_;
  const std::unique_ptr<TaskFigures> figures_;
  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> committed_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> healthy_{true};

  // Closed while the store is not open. The committer alone changes `core_`, and only then.
  mutable Gate readers_;
  std::unique_ptr<Core> core_;
  // For the committer.
  absl::Status failed_;  // the error since which nothing is written
  // What has come about that no caller was told of. The next Maintain() tells it.
  Moves left_;
  // When what was written must be synced, by the system's monotonic clock; infinite if all is.
  absl::Duration sync_at_ = absl::InfiniteDuration();
  // When it may be made smaller again, by the same clock.
  absl::Duration shrink_at_ = -absl::InfiniteDuration();
  // When a store that has failed is opened again, by the same clock.
  absl::Duration reopen_at_ = absl::InfiniteDuration();

  Mutex mutex_;
  CondVar has_changes_;
  CondVar change_done_;
  std::deque<Change*> changes_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ ABSL_GUARDED_BY(mutex_);
  bool waking_ ABSL_GUARDED_BY(mutex_) = false;  // `wake_` is running

  std::thread committer_;
};

}  // namespace souvenir::gateway
