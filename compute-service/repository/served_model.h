#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/cancellation.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/metrics/sharded_counter.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/instance_sizer.h"
#include "compute-service/pool/pool.h"
#include "compute-service/repository/files_note.h"
#include "compute-service/repository/model_loader.h"
#include "compute-service/repository/model_settings.h"

namespace souvenir::compute {

// The state of a model.
//
//   kOnDemand ──► kLoading ──► kReady ──► kUnloading ──► kUnavailable
//                    │  ▲ a request, after a pause
//                    ▼  │
//               kUnavailable
enum class ModelState {
  kUnavailable,  // it could not be loaded or was unloaded; the reason says which
  kOnDemand,     // not loaded yet; the first request loads it
  kLoading,      // requests wait in its queue
  kReady,
  kUnloading,  // requests under way end, and new ones are refused
};

// Counts the loads of models since the service started. Thread-safe.
struct LoadCounters {
  ShardedCounter succeeded;
  ShardedCounter failed;
};

// The load around a model.
struct ModelLoad {
  double foreign_load = 0;  // load of the machine by processes other than models, in processors
  int processors = 1;       // usable processors of the machine
};

// One version of a model, from its description to its pool.
//
// Shared by the repository, which stops it, and by the requests that are under way in it.
// Thread-safe. All that Context points to must outlive it.
class ServedModel final : public std::enable_shared_from_this<ServedModel> {
 public:
  struct Context {
    Clock* clock = nullptr;
    TimerQueue* timers = nullptr;
    Executor* loader = nullptr;  // runs the loads of models
    const ModelLoader* model_loader = nullptr;
    LoadCounters* loads = nullptr;
    QueueBytes* queue_bytes = nullptr;              // see JobQueue::Options; outlives the model
    absl::Duration first_pause = absl::Seconds(1);  // between a failed load and the next attempt
    absl::Duration longest_pause = absl::Minutes(1);
    // Called with the name of a model whose state has changed; outside every lock, on any thread.
    std::function<void(const std::string&)> on_change;
    // Same as on_change, but called when a load has failed, before the requests that wait for it
    // are answered.
    std::function<void(const std::string&)> on_load_failed;
    // Called when a version was not started because its files have changed since its digest was
    // computed. `state` differs for each new state of the files. May be called under a lock of an
    // engine, on any thread.
    std::function<void(const std::string& name, int64_t version, const std::string& state)>
        on_files_changed;
  };

  struct Status {
    ModelState state;
    std::string reason;  // for a person, without paths; may be empty
    std::string detail;  // the reason with paths, for the log; may be empty
    // True if a FilesCheck has refused to start a process of the loaded model. It is kReady as long
    // as earlier processes serve, and kUnavailable when none is left.
    bool files_changed = false;
  };

  // Makes a model that is loaded by its first request.
  static absl::StatusOr<std::shared_ptr<ServedModel>> Create(ModelDescription description,
                                                             std::string digest, Backend* backend,
                                                             const ModelSettings& settings,
                                                             const Context& context);

  // Makes a model that can never be asked, because something is wrong with its description.
  // `description` has the known part of it.
  static std::shared_ptr<ServedModel> Broken(ModelDescription description,
                                             const absl::Status& reason, const Context& context);

  // Returns the error that requests for an unloaded model get.
  static absl::Status UnloadedError(std::string_view name);

  const std::string& name() const { return description_.config.name(); }
  const std::string& version() const { return version_; }
  const inference::ModelConfig& config() const { return description_.config; }
  const std::string& digest() const { return digest_; }  // empty for a broken model
  const ModelSettings& settings() const { return settings_; }
  // Returns true if the model's files are still those of its digest. Blocks on the disk.
  bool FilesAreUnchanged() const { return description_.CheckFiles().ok(); }
  // See kHangingRowLimitName. Returns nullopt if the limit of a run grows with its rows.
  std::optional<absl::Duration> hanging_row_limit() const;

  // Same as Pool::Submit(), but loads the model if necessary; the job then waits. UNAVAILABLE, with
  // the reason, if the model cannot be asked. `done` may be called before this returns.
  absl::StatusOr<JobId> Submit(Job job);
  bool Cancel(JobId id, absl::StatusCode why = absl::StatusCode::kCancelled);

  // Answers all requests that wait for an instance or the load with `status`.
  void FailWaiting(const absl::Status& status);

  // Loads on the calling thread, and blocks. If it fails, requests get the same error. If another
  // thread loads the model already, waits for it and shares its outcome.
  absl::Status Load();
  // Same as Load(), but if the last load failed, returns its error and does not try again.
  absl::Status LoadUnlessFailed();

  // Calls `done`, outside every lock, when the load under way has ended, on the thread of the load.
  // If there is none, calls it at once.
  void WhenLoadEnds(std::function<void()> done);

  // Cancels a load that is under way or has not begun: requests that wait for it, and all later
  // ones, get `why`. The model cannot be loaded again; call Stop() next. Does nothing if the model
  // is loaded, or cannot be asked. Does not block.
  void CancelLoad(const absl::Status& why);

  // Drains and unloads the model, see Pool::Stop(), and cancels a load that is under way. Blocks;
  // idempotent.
  void Stop(absl::Duration grace);

  // --- For the ModelKeeper, on its thread. ---

  // Fits the number of instances, if the model is set to do so, and checks whether all of them
  // hang, and whether its files still let it start processes. `activity` is the model's own. May
  // block on the disk, but only if the files have changed.
  void Fit(const PoolActivity& activity, const ModelLoad& load);

  // Unloads the model; the next request loads it again. Returns false if it is not loaded, or is
  // busy.
  bool Release();

  // Measures the model's memory, for Stats() too. Returns 0 if it is unknown.
  uint64_t MeasureMemory();

  Status status() const;
  // Returns true if a thread is loading the model. Load() would wait for that thread.
  bool being_loaded() const;
  // Returns true if the model is in memory, or about to be.
  bool loaded() const;
  // Returns true if the model takes requests, even if it has to be loaded first.
  bool can_be_asked() const;
  PoolActivity Activity() const;  // all 0 for a broken model
  PoolStats Stats() const;

 private:
  ServedModel(ModelDescription description, std::string digest, Backend* backend,
              const ModelSettings& settings, std::unique_ptr<Cancellation> cancellation,
              std::unique_ptr<Pool> pool, std::shared_ptr<const FilesNote> files,
              const Context& context, ModelState state, absl::Status error);

  void LoadElsewhere();
  absl::Status LoadFailed(const absl::Status& reason);
  absl::Status LoadOnce();
  // Refuses requests with `why` from now on, for good.
  void Refuse(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status HangingError() const;
  // Take what has changed since the last call, and return true if anything has.
  bool TakeHanging(const PoolActivity& activity);
  bool TakeFilesChange(const PoolActivity& activity);
  void Changed() const;

  const ModelDescription description_;
  const std::string version_;
  const std::string digest_;
  Backend* const backend_;  // null for a broken model
  const ModelSettings settings_;
  const std::unique_ptr<Cancellation> cancellation_;  // for all that it starts; outlives the pool
  const std::unique_ptr<Pool> pool_;                  // null for a broken model
  const Context context_;

  const std::shared_ptr<const FilesNote> files_;  // null for a broken model

  // Used only by the keeper.
  InstanceSizer sizer_;
  absl::Duration check_files_at_ = absl::InfiniteDuration();

  mutable Mutex mutex_;
  CondVar load_ended_;
  bool loading_ ABSL_GUARDED_BY(mutex_) = false;  // a thread is in LoadOnce()
  std::vector<std::function<void()>> when_load_ends_ ABSL_GUARDED_BY(mutex_);
  // True if all instances have run for longer than their limit and cannot be ended: requests are
  // refused until one comes back.
  bool hangs_ ABSL_GUARDED_BY(mutex_) = false;
  // Error of the check of the files, while it stands.
  absl::Status files_error_ ABSL_GUARDED_BY(mutex_);
  // True if that leaves no process that serves. Requests still go to the pool, which answers with
  // the error, or serves if the check has another outcome.
  bool files_refused_ ABSL_GUARDED_BY(mutex_) = false;
  ModelState state_ ABSL_GUARDED_BY(mutex_);
  absl::Status error_ ABSL_GUARDED_BY(mutex_);  // error of requests while the model is unavailable
  std::string note_ ABSL_GUARDED_BY(mutex_);    // note of the LoadedModel
  bool unloaded_ ABSL_GUARDED_BY(mutex_) = false;  // true if the index reports it as unloaded
  // Time from which a request may load the model again; infinite for never.
  absl::Duration retry_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
