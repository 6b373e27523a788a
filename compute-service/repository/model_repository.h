#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/queue_bytes.h"
#include "compute-service/repository/folder_watch.h"
#include "compute-service/repository/model_loader.h"
#include "compute-service/repository/model_loads.h"
#include "compute-service/repository/model_source.h"
#include "compute-service/repository/model_table.h"
#include "compute-service/repository/served_model.h"

namespace souvenir::compute {

// All models: those of a directory, and those that backends offer without a file. If both have the
// same name, the directory's model counts.
//
// If a version that the policy serves cannot be loaded, the newest older version that can be loaded
// serves in its place.
//
// A FolderWatch finds changed folders, a ModelSource makes models of them, ModelLoads loads them,
// and a ModelTable holds those that serve. Models that leave are drained on threads of their own,
// so that neither a load nor a poll of the folders waits for them.
//
// Owned by the service. Thread-safe. A model with any error is UNAVAILABLE with the reason, and
// does not affect the others. The backends, the clock and the timers must outlive it.
class ModelRepository {
 public:
  struct Options {
    std::string directory;              // in Triton's layout; need not exist
    ModelSettings defaults;             // for models that do not set their own
    std::string worker_directory;       // directory of the programs souvenir-worker-<backend>
    QueueBytes* queue_bytes = nullptr;  // see JobQueue::Options; outlives the repository
    int load_threads = 2;               // models that load at the same time; at least 1
    absl::Duration drain_timeout = absl::Seconds(30);  // for a model that is unloaded or replaced
    absl::Duration settle = absl::ZeroDuration();      // see FolderWatch::Options
    size_t poll_entries = 4096;                        // see FolderWatch::Options
    // Called with the name of a model whose state has changed; outside every lock, on any thread.
    std::function<void(const std::string&)> on_change;
  };
  using Done = ModelLoads::Done;

  // Reads the directory and asks the backends; loads nothing. Blocks on the disk. Fails only if the
  // directory cannot be read or an option is invalid.
  static absl::StatusOr<std::unique_ptr<ModelRepository>> Create(Options options,
                                                                 std::vector<Backend*> backends,
                                                                 Clock* clock, TimerQueue* timers);

  // Calls Stop() with no grace.
  ~ModelRepository();

  // Returns a version of a model. An empty `version` means the newest version that can be asked, or
  // the newest one if none can. NOT_FOUND lists models or versions that exist, the
  // nearest names first.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(std::string_view name,
                                                    std::string_view version) const {
    return table_.Find(name, version);
  }

  // Returns all models, sorted by name, then version.
  std::vector<std::shared_ptr<ServedModel>> All() const { return table_.All(); }

  // Returns the models that are in memory, or about to be.
  std::vector<std::shared_ptr<ServedModel>> Loaded() const { return table_.Loaded(); }

  // Returns the versions of one model, oldest first, or none if there is no such model.
  std::vector<std::shared_ptr<ServedModel>> Versions(std::string_view name) const {
    return table_.Versions(name);
  }

  // Reads the model's files again, loads its versions beside those that serve, replaces the old
  // ones and drains them. A version that cannot be loaded does not replace one that serves. If an
  // unchanged version is being loaded already, waits for that. For `done` see ModelLoads::Load().
  // NOT_FOUND if neither the directory nor a backend has the model.
  void Load(std::string name, Done done);

  // Cancels loads of the model and drains all of its versions. It is then UNAVAILABLE until it is
  // loaded again. `done` runs after that, on a thread that drains, or on the calling thread if no
  // more drains can be queued (RESOURCE_EXHAUSTED). NOT_FOUND as for Load().
  void Unload(std::string name, Done done);

  // Returns true if a load of the model's folder was asked for, or is due because the folder has
  // changed, and has not ended.
  bool IsLoading(const std::string& name) const { return loads_->UnderWay(name); }

  // Handles folders that were added, changed or removed; see FolderWatch::Poll(). A new model is
  // offered. A changed one is offered too or, if it was loaded, replaced when the new content has
  // loaded, as in Load(). A removed one is drained and forgotten, and its load is cancelled. An
  // invalid folder is logged, and changes nothing. A model that could not be started because its
  // files elsewhere, as those of a package, have changed is handled like one whose folder has.
  // Blocks on the disk, but waits for no load and no request. Called by one thread at a time.
  void Poll();

  // Cancels all loads, and answers the requests that wait for a load or an instance, and the
  // callers of Load(), with `status`.
  void FailWaiting(const absl::Status& status);

  // Cancels loads that no request waits for, gives requests `grace` to end, cancels the other
  // loads, and unloads everything. Blocks; idempotent. Waits for an engine that loads in threads.
  // REQUIRES: no call of Poll() is under way.
  void Stop(absl::Duration grace);

  const LoadCounters& loads() const { return counters_; }

  // Returns a text that differs after each start, and after each change of what can be reported
  // about the models. Read it before the models.
  std::string revision() const;

 private:
  ModelRepository(Options options, std::vector<Backend*> backends, Clock* clock,
                  TimerQueue* timers);

  absl::Status StartThreads();
  absl::Status ReadAll();
  // Reads and loads one model as `job`, and replaces its old versions; see ModelLoads::Work.
  std::optional<absl::Status> LoadNow(const std::string& name, LoadJob& job);
  // Returns the model that serves if it is the same as `fresh`, its files too, and is being loaded
  // for requests, or `job` has awaited it. Otherwise returns `fresh`.
  std::shared_ptr<ServedModel> FreshOrLoading(const std::shared_ptr<ServedModel>& fresh,
                                              const LoadJob& job) const;
  // Handles a folder that has changed.
  void TakeUp(const std::string& name);
  // Takes up the models of `names`, if that may help: their files have changed, and neither the
  // watch nor a load will handle it.
  void TakeUpChangedFiles(const std::set<std::string>& names);
  // Offers the versions that were read, and drains those that they replace.
  void TakeOver(const std::string& name, const ModelTable::Reading& reading);
  // Offers one older version for each version of the model's policy that cannot be asked.
  void FallBack(const std::string& name);
  // Returns a task that stops the models and then calls `done`. The drain timeout begins now.
  Task DrainTask(ModelTable::Models models, std::function<void()> done);
  // Runs such a task on a thread that drains, or on this thread if no more can be queued.
  void Drain(ModelTable::Models models);

  const Options options_;
  const ModelLoader model_loader_;
  LoadCounters counters_;
  const std::string start_;  // distinguishes this repository from those of earlier starts
  std::atomic<uint64_t> changes_{0};
  ServedModel::Context context_;

  ModelTable table_;
  ModelSource source_;
  FolderWatch watch_;

  struct ChangedFiles {
    // State of the files that a check has found; "" if the model was read again since.
    std::string state;
    // State for which Poll() has taken up the model, so that files that do not load are tried once.
    std::string taken_up;
  };
  Mutex changed_files_mutex_;
  // The versions whose files have changed, by name and version.
  std::map<std::pair<std::string, int64_t>, ChangedFiles> changed_files_
      ABSL_GUARDED_BY(changed_files_mutex_);

  std::unique_ptr<ThreadExecutor> drainer_;
  std::unique_ptr<ModelLoads> loads_;  // may use all of the above
};

}  // namespace souvenir::compute
