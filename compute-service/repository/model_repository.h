#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/timer_queue.h"
#include "compute-service/backends/backend.h"
#include "compute-service/repository/folder_watch.h"
#include "compute-service/repository/model_loader.h"
#include "compute-service/repository/model_loads.h"
#include "compute-service/repository/model_source.h"
#include "compute-service/repository/model_table.h"
#include "compute-service/repository/served_model.h"

namespace souvenir::compute {

// All models there are: those of a directory, and those that backends offer without a file; where
// both have one name, the directory's.
//
// Where a version that the policy serves cannot be loaded, the newest one behind it that can be
// serves in its place.
//
// A FolderWatch tells what has changed, a ModelSource makes models of it, ModelLoads loads them,
// and a ModelTable has those that serve. Models that leave are drained on threads of their own, so
// that neither a load nor a look at the folders waits for them.
//
// Owned by the service. Thread-safe. A model that is wrong in any way is UNAVAILABLE with the
// reason, and takes no other down. The backends, the clock and the timers must outlive it.
class ModelRepository {
 public:
  struct Options {
    std::string directory;         // in Triton's layout; need not exist
    ModelSettings defaults;        // for models that do not say otherwise
    std::string worker_directory;  // of the programs souvenir-worker-<backend>
    int nice = 0;                  // of the threads and processes that run models, 0 to 19
    int load_threads = 2;          // models that load at the same time; at least 1
    absl::Duration drain_timeout = absl::Seconds(30);  // of a model that is unloaded or replaced
    absl::Duration settle = absl::ZeroDuration();      // see FolderWatch::Options
    size_t poll_entries = 4096;                        // see FolderWatch::Options
    // A model's state has changed; called with its name, outside every lock, on any thread.
    std::function<void(const std::string&)> on_change;
  };
  using Done = ModelLoads::Done;

  // Reads the directory and asks the backends; loads nothing. Blocks on the disk. An error only
  // where the directory cannot be read or an option is wrong.
  static absl::StatusOr<std::unique_ptr<ModelRepository>> Create(Options options,
                                                                 std::vector<Backend*> backends,
                                                                 Clock* clock, TimerQueue* timers);

  // As Stop() without waiting.
  ~ModelRepository();

  // The model in the version asked for; an empty version is the newest that can be asked, or the
  // newest. NOT_FOUND lists what there is.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(std::string_view name,
                                                    std::string_view version) const {
    return table_.Find(name, version);
  }

  // In the order of names, then versions.
  std::vector<std::shared_ptr<ServedModel>> All() const { return table_.All(); }

  // Those of them that are in memory, or about to be.
  std::vector<std::shared_ptr<ServedModel>> Loaded() const { return table_.Loaded(); }

  // Those of one model, oldest first; none where there is no such model.
  std::vector<std::shared_ptr<ServedModel>> Versions(std::string_view name) const {
    return table_.Versions(name);
  }

  // Reads the model's files again, loads its versions beside those that serve, lets them take over,
  // and drains the old ones. Where that fails, the old one goes on. A version that loads already,
  // and has not changed, is waited for. `done` runs as ModelLoads::Load() says. NOT_FOUND where
  // neither the directory nor a backend has it.
  void Load(std::string name, Done done);

  // Gives up loads of the model and drains all of its versions; from then on it is UNAVAILABLE,
  // until it is loaded again. `done` runs when that is over, on a thread that drains, or on the
  // calling one where no more can be queued (RESOURCE_EXHAUSTED). NOT_FOUND as above.
  void Unload(std::string name, Done done);

  // Returns true if a load of the model's folder was asked for, or is due because it has changed,
  // and has not ended.
  bool IsLoading(const std::string& name) const { return loads_->UnderWay(name); }

  // Takes up folders that have come, changed or gone, see FolderWatch::Poll(). What has come is
  // offered; what has changed is offered too, or takes over when it has loaded, if the old one was
  // loaded, as in Load(); what has gone is drained and forgotten, and its load given up. What is
  // wrong with a folder is logged, and changes nothing. Blocks on the disk, but waits for no load
  // and no request; for one thread at a time.
  void Poll();

  // Answers all requests that wait for an instance or a load, and all loads that were asked for,
  // with `status`, and gives the loads up.
  void FailWaiting(const absl::Status& status);

  // Gives up loads that no request waits for, gives requests `grace` to end, gives up the rest of
  // the loads, unloads everything. Blocks; idempotent. An engine that loads in threads is waited
  // for. REQUIRES: no call of Poll().
  void Stop(absl::Duration grace);

  const LoadCounters& loads() const { return counters_; }

  // Another text after each change of what there is to tell of the models, and after each start. To
  // be taken before the models are looked at.
  std::string revision() const;

 private:
  ModelRepository(Options options, std::vector<Backend*> backends, Clock* clock,
                  TimerQueue* timers);

  absl::Status StartThreads();
  absl::Status ReadAll();
  // Reads and loads one model as `job`, and has it take over; see ModelLoads::Work.
  std::optional<absl::Status> LoadNow(const std::string& name, LoadJob& job);
  // Returns the model that serves if it is the same as `fresh` and loads for requests now, or `job`
  // has awaited it; else `fresh`.
  std::shared_ptr<ServedModel> FreshOrLoading(const std::shared_ptr<ServedModel>& fresh,
                                              const LoadJob& job) const;
  // Takes up a folder that is not as it was.
  void TakeUp(const std::string& name);
  // Offers what was read, and drains what it replaces.
  void TakeOver(const std::string& name, const ModelTable::Reading& reading);
  // Offers versions behind those of the model's policy, as many as of those cannot be asked.
  void FallBack(const std::string& name);
  // Stops the models within the drain timeout, which begins now, then calls `done`.
  Task DrainTask(ModelTable::Models models, std::function<void()> done);
  // Does so on a thread that drains, or on this one where no more can be queued.
  void Drain(ModelTable::Models models);

  const Options options_;
  const ModelLoader model_loader_;
  LoadCounters counters_;
  const std::string start_;  // tells this repository from one before
  std::atomic<uint64_t> changes_{0};
  ServedModel::Context context_;

  ModelTable table_;
  ModelSource source_;
  FolderWatch watch_;

  std::unique_ptr<ThreadExecutor> drainer_;
  std::unique_ptr<ModelLoads> loads_;  // may use all of the above
};

}  // namespace souvenir::compute
