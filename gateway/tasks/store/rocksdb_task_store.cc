#include "gateway/tasks/store/rocksdb_task_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "common/thread.h"
#include "gateway/tasks/store/step_transitions.h"
#include "gateway/tasks/store/task_batch.h"
#include "gateway/tasks/store/task_changes.h"
#include "gateway/tasks/store/task_core.h"
#include "gateway/tasks/store/task_database.h"
#include "gateway/tasks/store/task_keys.h"
#include "gateway/tasks/store/task_queues.h"
#include "gateway/tasks/store/task_upkeep.h"
#include "storage/store_check.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"tasks"};
LogLimit failure_limit{1};

// Most changes that one sync takes.
constexpr size_t kMostGrouped = 1000;
// Edges are written in pieces, so that sealing a large job does not hold up others.
constexpr uint32_t kLinkedAtOnce = 8192;

}  // namespace

absl::StatusOr<std::unique_ptr<RocksDbTaskStore>> RocksDbTaskStore::Open(const Options& options) {
  const absl::Status sound = storage::CheckStore(options.checker, options.directory);
  if (!sound.ok()) {
    return absl::DataLossError(fmt::format(
        "the task store in {} is damaged ({}); restore it from a copy, or move it away to begin "
        "without its jobs",
        options.directory, std::string(sound.message())));
  }
  std::unique_ptr<RocksDbTaskStore> store(new RocksDbTaskStore(options));
  SOUVENIR_RETURN_IF_ERROR(store->OpenCore(/*again=*/false));
  store->committer_ = StartThread("task-commits", [store = store.get()] { store->RunCommitter(); });
  return store;
}

RocksDbTaskStore::RocksDbTaskStore(const Options& options)
    : options_(options),
      queues_(std::make_unique<TaskQueues>(options.max_queues)),
      figures_(std::make_unique<TaskFigures>()) {}

RocksDbTaskStore::~RocksDbTaskStore() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  has_changes_.NotifyAll();
  if (committer_.joinable()) committer_.join();
  if (core_ != nullptr) CloseCore();
}

absl::Status RocksDbTaskStore::OpenCore(bool again) {
  queues_->Clear();
  figures_->Clear();
  auto core = std::make_unique<Core>(options_, queues_.get(), figures_.get());
  SOUVENIR_ASSIGN_OR_RETURN(core->database, TaskDatabase::Open(options_.directory));
  if (!again) store_id_ = core->database->meta().store_id();
  SOUVENIR_RETURN_IF_ERROR(core->upkeep.Load(*core->database));
  TaskBatch batch(core->database.get());
  const Moves recovered = core->upkeep.Recover(
      batch, again ? TaskUpkeep::Running::kReopened : TaskUpkeep::Running::kProcessEnded,
      options_.max_lost_attempts, options_.clock->Now());
  SOUVENIR_RETURN_IF_ERROR(batch.status());
  SOUVENIR_RETURN_IF_ERROR(batch.Write(/*sync=*/true));
  bytes_ = core->database->bytes();
  core_ = std::move(core);
  StepTransitions::Add(recovered, &left_);
  readers_.Open();
  log.Info("the task store is open", {{"jobs", figures_->jobs.load()},
                                      {"steps", figures_->steps.load()},
                                      {"lost_attempts", figures_->lost_attempts.load()}});
  return absl::OkStatus();
}

absl::Status RocksDbTaskStore::Reopen() {
  // Opening writes the log's records to tables. Without room for them the store stays open for
  // reads.
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(options_.directory, error);
  reopen_at_ = Clock::System()->Monotonic() + kReopenEvery;
  if (!error && space.available < TaskDatabase::kLogBytes) return failed_;
  if (core_ != nullptr) CloseCore();
  failed_ = OpenCore(/*again=*/true);
  if (!failed_.ok()) {
    log.Error(failure_limit, "the task store cannot be opened again",
              {{"reason", failed_.ToString()}});
    return failed_;
  }
  reopen_at_ = absl::InfiniteDuration();
  healthy_ = true;
  options_.on_health(true);
  return absl::OkStatus();
}

void RocksDbTaskStore::CloseCore() {
  readers_.Close();
  readers_.WaitUntilEmpty();
  core_.reset();
}

absl::Status RocksDbTaskStore::Make(Change::Kind kind,
                                    std::function<absl::Status(TaskBatch&)> apply, bool reopens) {
  Change change{.kind = kind, .reopens = reopens, .apply = std::move(apply)};
  MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the task store is closing");
  changes_.push_back(&change);
  has_changes_.NotifyOne();
  while (!change.done) change_done_.Wait(&mutex_);
  return change.status;
}

std::vector<RocksDbTaskStore::Change*> RocksDbTaskStore::NextGroup() {
  std::vector<Change*> group;
  const bool claims = changes_.front()->kind == Change::Kind::kClaim;
  while (!changes_.empty() && group.size() < kMostGrouped &&
         (changes_.front()->kind == Change::Kind::kClaim) == claims) {
    group.push_back(changes_.front());
    changes_.pop_front();
  }
  return group;
}

void RocksDbTaskStore::RunCommitter() {
  for (;;) {
    std::vector<Change*> group;
    {
      MutexLock lock(&mutex_);
      while (changes_.empty() && !stopping_) {
        const absl::Duration until = std::min(sync_at_, reopen_at_);
        if (!has_changes_.WaitUntil(&mutex_, *Clock::System(), until)) break;
      }
      if (!changes_.empty()) {
        group = NextGroup();
      } else if (stopping_ && sync_at_ == absl::InfiniteDuration()) {
        return;
      }
    }
    if (group.empty()) {
      if (failed_.ok()) {
        Sync();
      } else if (Reopen().ok()) {
        Wake();
      }
      continue;
    }
    MakeGroup(group);
    MutexLock lock(&mutex_);
    for (Change* const change : group) {
      change->done = true;
      if (!change->is_awaited) delete change;
    }
    change_done_.NotifyAll();
  }
}

void RocksDbTaskStore::MakeGroup(const std::vector<Change*>& group) {
  const auto fail = [&](const absl::Status& status) {
    for (Change* const change : group) change->status = status;
  };
  if (!failed_.ok()) {
    const bool reopens = Clock::System()->Monotonic() >= reopen_at_ ||
                         std::any_of(group.begin(), group.end(),
                                     [](const Change* change) { return change->reopens; });
    const absl::Status reopened = reopens ? Reopen() : failed_;
    if (!reopened.ok()) return fail(reopened);
    Wake();
  }
  TaskBatch batch(core_->database.get());
  bool sync = Clock::System()->Monotonic() >= sync_at_;
  bool soon = false;
  bool maintains = false;
  for (Change* const change : group) {
    change->status = change->apply(batch);
    sync = sync || change->kind == Change::Kind::kSynced;
    soon = soon || change->kind == Change::Kind::kSyncedSoon;
    maintains = maintains || change->reopens;
  }
  Moves damaged;
  const bool is_damaged = core_->transitions.EndDamaged(batch, options_.clock->Now(), &damaged);
  sync = sync || batch.needs_sync();
  absl::Status written = batch.status();
  if (written.ok()) written = batch.Write(sync);
  commits_.fetch_add(1, std::memory_order_relaxed);
  committed_.fetch_add(group.size(), std::memory_order_relaxed);
  if (!written.ok()) {
    NoteFailure(written);
    return fail(written);
  }
  NoteWritten(sync, soon);
  if (maintains) left_ = {};  // told with the moves of Maintain()
  if (is_damaged) {
    StepTransitions::Add(damaged, &left_);
    Wake();
  }
  ShrinkIfFull();
}

void RocksDbTaskStore::ShrinkIfFull() {
  const absl::Duration now = Clock::System()->Monotonic();
  if (bytes_ < options_.max_bytes || !core_->changes.has_garbage() || now < shrink_at_) return;
  if (core_->database->is_shrinking()) return;
  core_->changes.ForgetGarbage();
  shrink_at_ = now + kShrinkEvery;
  core_->database->Shrink();
}

void RocksDbTaskStore::NoteWritten(bool synced, bool soon) {
  if (synced) {
    sync_at_ = absl::InfiniteDuration();
  } else if (soon && sync_at_ == absl::InfiniteDuration()) {
    sync_at_ = Clock::System()->Monotonic() + kSyncWithin;
  }
}

void RocksDbTaskStore::Sync() {
  sync_at_ = absl::InfiniteDuration();
  const absl::Status synced = core_->database->Sync();
  if (!synced.ok()) NoteFailure(synced);
}

void RocksDbTaskStore::NoteFailure(const absl::Status& written) {
  log.Error(failure_limit, "the task store fails; it will be opened again",
            {{"reason", written.ToString()}});
  // The parts in memory know of changes that the disk does not have, and RocksDB must not touch a
  // file again that it failed to write. So nothing is written until the store is opened again.
  failed_ = written;
  sync_at_ = absl::InfiniteDuration();
  reopen_at_ = Clock::System()->Monotonic() + kReopenEvery;
  if (healthy_.exchange(false)) options_.on_health(false);
}

void RocksDbTaskStore::SetWake(std::function<void()> wake) {
  MutexLock lock(&mutex_);
  wake_ = std::move(wake);
  while (waking_) change_done_.Wait(&mutex_);
}

void RocksDbTaskStore::Wake() {
  std::function<void()> wake;
  {
    MutexLock lock(&mutex_);
    if (wake_ == nullptr) return;
    wake = wake_;
    waking_ = true;
  }
  wake();
  MutexLock lock(&mutex_);
  waking_ = false;
  change_done_.NotifyAll();
}

absl::StatusOr<TaskStore::Begun> RocksDbTaskStore::Begin(const JobOptions& options,
                                                         absl::Time now) {
  absl::StatusOr<Begun> begun;
  const absl::Status made = Make(Change::Kind::kWritten, [&](TaskBatch& batch) {
    begun = core_->changes.Begin(batch, options, now);
    return begun.status();
  });
  SOUVENIR_RETURN_IF_ERROR(made);
  return begun;
}

absl::Status RocksDbTaskStore::Append(JobNumber job, std::vector<NewStep> steps,
                                      std::vector<Blob> blobs) {
  return Make(Change::Kind::kWritten, [&](TaskBatch& batch) {
    bytes_ = core_->database->bytes();
    return core_->changes.Append(batch, job, steps, blobs, bytes_);
  });
}

absl::StatusOr<TaskStore::Sealed> RocksDbTaskStore::Seal(JobNumber job, const JobGraph& graph,
                                                         const SpecialSteps& special,
                                                         absl::Time now) {
  const auto size = static_cast<uint32_t>(graph.size());
  for (uint32_t first = 0; first < size && graph.edges() > 0; first += kLinkedAtOnce) {
    SOUVENIR_RETURN_IF_ERROR(Make(Change::Kind::kWritten, [&](TaskBatch& batch) {
      return core_->changes.Link(batch, job, graph, first, std::min(size, first + kLinkedAtOnce));
    }));
  }
  absl::StatusOr<Sealed> sealed;
  const absl::Status made = Make(Change::Kind::kSynced, [&](TaskBatch& batch) {
    sealed = core_->changes.Seal(batch, job, graph, special, now);
    return sealed.status();
  });
  SOUVENIR_RETURN_IF_ERROR(made);
  return sealed;
}

void RocksDbTaskStore::Abandon(JobNumber job) {
  auto change = std::make_unique<Change>();
  change->kind = Change::Kind::kWritten;
  change->is_awaited = false;
  change->apply = [this, job](TaskBatch& batch) {
    core_->changes.Abandon(batch, job);
    return absl::OkStatus();
  };
  MutexLock lock(&mutex_);
  if (stopping_) return;  // the next open drops it
  changes_.push_back(change.release());
  has_changes_.NotifyOne();
}

absl::StatusOr<std::vector<ClaimedStep>> RocksDbTaskStore::Claim(const std::string& queue,
                                                                 size_t most) {
  absl::StatusOr<std::vector<ClaimedStep>> claimed;
  const absl::Status made = Make(Change::Kind::kClaim, [&](TaskBatch& batch) {
    claimed = core_->changes.Claim(batch, queue, most);
    return claimed.status();
  });
  SOUVENIR_RETURN_IF_ERROR(made);
  return claimed;
}

absl::StatusOr<Moves> RocksDbTaskStore::Commit(std::vector<Outcome> outcomes, absl::Time now) {
  Moves moves;
  const absl::Status made = Make(Change::Kind::kSyncedSoon, [&](TaskBatch& batch) {
    moves = core_->changes.Commit(batch, outcomes, now);
    return absl::OkStatus();
  });
  SOUVENIR_RETURN_IF_ERROR(made);
  return moves;
}

absl::StatusOr<Moves> RocksDbTaskStore::Maintain(absl::Time now) {
  Moves moves;
  const absl::Status made = Make(
      Change::Kind::kWritten,
      [&](TaskBatch& batch) {
        bytes_ = core_->database->bytes();
        moves = core_->upkeep.Maintain(batch, now);
        StepTransitions::Add(left_, &moves);
        return absl::OkStatus();
      },
      /*reopens=*/true);
  SOUVENIR_RETURN_IF_ERROR(made);
  return moves;
}

absl::StatusOr<Moves> RocksDbTaskStore::Cancel(JobNumber job, absl::Time now) {
  absl::StatusOr<Moves> moves;
  const absl::Status made = Make(Change::Kind::kSynced, [&](TaskBatch& batch) {
    moves = core_->changes.Cancel(batch, job, now);
    return moves.status();
  });
  SOUVENIR_RETURN_IF_ERROR(made);
  return moves;
}

absl::StatusOr<Moves> RocksDbTaskStore::Requeue(JobNumber job, std::vector<uint32_t> steps,
                                                const std::string& override, absl::Time now) {
  absl::StatusOr<Moves> moves;
  const absl::Status made = Make(Change::Kind::kSynced, [&](TaskBatch& batch) {
    moves = core_->changes.Requeue(batch, job, steps, override, now);
    return moves.status();
  });
  SOUVENIR_RETURN_IF_ERROR(made);
  return moves;
}

absl::StatusOr<QueueInfo> RocksDbTaskStore::ChangeQueue(const std::string& name,
                                                        const QueueChange& change, bool create) {
  absl::StatusOr<QueueInfo> info;
  const absl::Status made = Make(Change::Kind::kSynced, [&](TaskBatch& batch) {
    info = core_->changes.ChangeQueue(batch, name, change, create);
    return info.status();
  });
  SOUVENIR_RETURN_IF_ERROR(made);
  return info;
}

}  // namespace souvenir::gateway
