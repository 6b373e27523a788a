#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
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
#include "compute-service/repository/model_loader.h"
#include "compute-service/repository/model_scan.h"
#include "compute-service/repository/served_model.h"

namespace souvenir::compute {

// All models there are: those of a directory, and those that backends offer without a file; where
// both have one name, the directory's.
//
// Where a version that the policy serves cannot be loaded, the newest one behind it that can be
// serves in its place.
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
    // How long a folder that has come or changed has to stay as it is before Poll() takes it up: so
    // long nobody writes to it any more. 0: at once.
    absl::Duration settle = absl::ZeroDuration();
    // How many files and folders one Poll() looks at, about; in larger repositories it goes on
    // where the last one ended.
    size_t poll_entries = 4096;
    // A model's state has changed; called with its name, outside every lock, on any thread.
    std::function<void(const std::string&)> on_change;
  };
  using Done = absl::AnyInvocable<void(absl::Status) &&>;

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
                                                    std::string_view version) const;

  // In the order of names, then versions.
  std::vector<std::shared_ptr<ServedModel>> All() const;

  // Those of one model, oldest first; none where there is no such model.
  std::vector<std::shared_ptr<ServedModel>> Versions(std::string_view name) const;

  // Reads the model's files again, loads its versions beside those that serve, lets them take over,
  // and drains the old ones. Where that fails, the old one goes on. `done` runs on a loader's
  // thread, or on the calling one where no more loads can be queued (RESOURCE_EXHAUSTED). NOT_FOUND
  // where neither the directory nor a backend has it.
  void Load(std::string name, Done done);

  // Drains all versions of the model; from then on it is UNAVAILABLE, until it is loaded again.
  // `done` as above.
  void Unload(std::string name, Done done);

  // Looks for folders that have come, changed or gone since the last look, and since then have
  // stayed as they are for as long as Options::settle. What has come is offered; what has changed
  // takes over as in Load(), at once where the old one was loaded; what has gone is drained and
  // forgotten. What is wrong with a folder is logged, and changes nothing. Blocks; for one thread
  // at a time.
  void Poll();

  // Answers all requests that wait for an instance or a load with `status`.
  void FailWaiting(const absl::Status& status);

  // Refuses new requests, gives those under way `grace` to end, unloads everything. Blocks;
  // idempotent.
  void Stop(absl::Duration grace);

  const LoadCounters& loads() const { return loads_; }

  // Another text after each change of what there is to tell of the models, and after each start. To
  // be taken before the models are looked at.
  std::string revision() const;

 private:
  ModelRepository(Options options, std::vector<Backend*> backends, Clock* clock, TimerQueue* timers,
                  std::unique_ptr<ThreadExecutor> loader);

  // By version.
  using Served = std::map<int64_t, std::shared_ptr<ServedModel>>;

  absl::Status ReadAll();
  // Makes models of what was found; a broken one where something is wrong with it.
  Served Serve(const std::string& name, absl::StatusOr<ModelVersions> versions);
  absl::StatusOr<std::shared_ptr<ServedModel>> Prepare(ModelDescription description);
  // What the directory has, else a backend.
  absl::StatusOr<ModelVersions> Describe(const std::string& name);
  // Reads the model anew and has it take over; `replaced` are to be stopped.
  absl::Status Replace(const std::string& name, bool load,
                       std::vector<std::shared_ptr<ServedModel>>* replaced);
  void PollModel(const std::string& name, size_t* entries);
  // Whether the folder, as it is now, is to be taken up.
  bool HasSettled(const std::string& name, const std::string& signature);
  // Offers versions behind those of the model's policy, as many as of those cannot be asked.
  void FallBack(const std::string& name);
  void TellRefused(const std::vector<absl::Status>& refused);
  absl::Status NotFound(std::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Later(Task task, const std::shared_ptr<Done>& done);

  const Options options_;
  const std::vector<Backend*> backends_;
  const ModelLoader model_loader_;
  LoadCounters loads_;
  const std::string start_;  // tells this repository from one before
  std::atomic<uint64_t> changes_{0};
  ServedModel::Context context_;

  mutable Mutex mutex_;
  std::map<std::string, Served, std::less<>> models_ ABSL_GUARDED_BY(mutex_);

  // A model's folder, as Poll() sees it.
  struct Look {
    std::string taken_up;       // its signature when it was taken up; "" before
    std::string seen;           // at the last look
    absl::Duration seen_since;  // by Clock::Monotonic()
  };

  Mutex poll_mutex_;
  std::map<std::string, Look> looks_ ABSL_GUARDED_BY(poll_mutex_);
  std::string looked_last_ ABSL_GUARDED_BY(poll_mutex_);  // the name
  // Why folders are no models', as they were when last looked at: each is logged once.
  std::set<std::string> refused_ ABSL_GUARDED_BY(poll_mutex_);

  const std::unique_ptr<ThreadExecutor> loader_;
};

}  // namespace souvenir::compute
