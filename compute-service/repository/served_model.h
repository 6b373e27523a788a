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
#include "compute-service/repository/model_loader.h"
#include "compute-service/repository/model_settings.h"

namespace souvenir::compute {

// What a model is doing.
//
//   kOnDemand ──► kLoading ──► kReady ──► kUnloading ──► kUnavailable
//                    │  ▲ a request, after a pause
//                    ▼  │
//               kUnavailable
enum class ModelState {
  kUnavailable,  // cannot be asked: it could not be loaded or was unloaded; its reason says which
  kOnDemand,     // not loaded yet; the first request loads it
  kLoading,      // requests wait in its queue
  kReady,
  kUnloading,  // what is under way ends, nothing new begins
};

// How often models were loaded, since the service started. Thread-safe.
struct LoadCounters {
  ShardedCounter succeeded;
  ShardedCounter failed;
};

// What is going on around a model.
struct ModelLoad {
  double foreign_load = 0;  // of the machine by others than models, in processors
  int processors = 1;       // of the machine, that may be used
};

// One version of a model, from its description to its pool.
//
// Shared by the repository, which stops it, and by the requests that are under way in it.
// Thread-safe. What Context points to must outlive it.
class ServedModel final : public std::enable_shared_from_this<ServedModel> {
 public:
  struct Context {
    Clock* clock = nullptr;
    TimerQueue* timers = nullptr;
    Executor* loader = nullptr;  // where models load
    const ModelLoader* model_loader = nullptr;
    LoadCounters* loads = nullptr;
    int nice = 0;                                   // of the threads that run models
    absl::Duration first_pause = absl::Seconds(1);  // after a load failed, before another is tried
    absl::Duration longest_pause = absl::Minutes(1);
    // A model's state has changed; called with its name, outside every lock, on any thread.
    std::function<void(const std::string&)> on_change;
    // A model could not be loaded; called as on_change, before what waits for it is answered.
    std::function<void(const std::string&)> on_load_failed;
  };

  struct Status {
    ModelState state;
    std::string reason;  // for a person; empty where there is nothing to say; without paths
    std::string detail;  // the same with paths, for the log, where there are any
  };

  // A model that loads when it is first asked.
  static absl::StatusOr<std::shared_ptr<ServedModel>> Create(ModelDescription description,
                                                             std::string digest, Backend* backend,
                                                             const ModelSettings& settings,
                                                             const Context& context);

  // A model that can never be asked, for what is wrong with its description. `description` is what
  // is known of it.
  static std::shared_ptr<ServedModel> Broken(ModelDescription description,
                                             const absl::Status& reason, const Context& context);

  // Returns the error that requests for an unloaded model get.
  static absl::Status UnloadedError(std::string_view name);

  const std::string& name() const { return description_.config.name(); }
  const std::string& version() const { return version_; }
  const inference::ModelConfig& config() const { return description_.config; }
  const std::string& digest() const { return digest_; }  // empty of a broken one
  const ModelSettings& settings() const { return settings_; }
  // See kHangingRowLimitName; nothing where the time grows with the rows.
  std::optional<absl::Duration> hanging_row_limit() const;

  // As Pool::Submit, and loads the model where that is needed: the job then waits. UNAVAILABLE,
  // with the reason, where the model cannot be asked. `done` may be called before this returns.
  absl::StatusOr<JobId> Submit(Job job);
  bool Cancel(JobId id, absl::StatusCode why = absl::StatusCode::kCancelled);

  // Answers all that wait, for an instance or for the load, with `status`.
  void FailWaiting(const absl::Status& status);

  // Loads on the calling thread, and blocks; the error is also what requests then get. Waits for a
  // load that is under way on another thread, and has its outcome.
  absl::Status Load();
  // Loads like Load(). Returns the error of the last load if that has failed, and does not try
  // again.
  absl::Status LoadUnlessFailed();

  // Calls `done`, outside every lock, when the load under way has ended, on its thread; or at once,
  // if there is none.
  void WhenLoadEnds(std::function<void()> done);

  // Gives up a load that is under way or has yet to begin: what waits for it, and whoever asks from
  // now on, gets `why`. It cannot be loaded again; Stop() is to follow. Nothing where the model is
  // loaded, or cannot be asked. Does not block.
  void CancelLoad(const absl::Status& why);

  // Drains and unloads, see Pool::Stop(), and gives up a load that is under way. Blocks;
  // idempotent.
  void Stop(absl::Duration grace);

  // --- For the ModelKeeper, on its thread. ---

  // Fits the number of instances, where the model does so, and looks whether all of them hang;
  // `activity` is its own.
  void Fit(const PoolActivity& activity, const ModelLoad& load);

  // Unloads the model, for the next request to load it again. False where it is not loaded, or has
  // something to do.
  bool Release();

  // Asks the model what memory it takes, for Stats() too; 0 where that is not known.
  uint64_t MeasureMemory();

  Status status() const;
  // Returns true if a thread loads it now. Load() would wait for that thread.
  bool being_loaded() const;
  // Whether it is in memory, or about to be.
  bool loaded() const;
  // Whether it takes requests, be it after loading.
  bool can_be_asked() const;
  PoolActivity Activity() const;  // zeros of a broken one
  PoolStats Stats() const;

 private:
  ServedModel(ModelDescription description, std::string digest, Backend* backend,
              const ModelSettings& settings, std::unique_ptr<Cancellation> cancellation,
              std::unique_ptr<Pool> pool, const Context& context, ModelState state,
              absl::Status error);

  void LoadElsewhere();
  absl::Status LoadFailed(const absl::Status& reason);
  absl::Status LoadOnce();
  // From now on requests get `why`, for good.
  void Refuse(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status HangingError() const;
  void Changed() const;

  const ModelDescription description_;
  const std::string version_;
  const std::string digest_;
  Backend* const backend_;  // null of a broken one
  const ModelSettings settings_;
  const std::unique_ptr<Cancellation> cancellation_;  // of all that it starts; outlives the pool
  const std::unique_ptr<Pool> pool_;                  // null of a broken one
  const Context context_;

  InstanceSizer sizer_;  // the keeper's

  mutable Mutex mutex_;
  CondVar load_ended_;
  bool loading_ ABSL_GUARDED_BY(mutex_) = false;  // a thread is in LoadOnce()
  std::vector<std::function<void()>> when_load_ends_ ABSL_GUARDED_BY(mutex_);
  // All instances have run for longer than they may, and nothing can be done about it: requests are
  // refused until one comes back.
  bool hangs_ ABSL_GUARDED_BY(mutex_) = false;
  ModelState state_ ABSL_GUARDED_BY(mutex_);
  absl::Status error_ ABSL_GUARDED_BY(mutex_);     // what requests get while it is unavailable
  std::string note_ ABSL_GUARDED_BY(mutex_);       // LoadedModel's
  bool unloaded_ ABSL_GUARDED_BY(mutex_) = false;  // the index says so
  // When a request may load it again; infinite where nothing would change.
  absl::Duration retry_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
