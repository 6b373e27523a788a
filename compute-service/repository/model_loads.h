#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "compute-service/repository/served_model.h"

namespace souvenir::compute {

// A load of a model's folder: the folder's signature when it was read, and the models that load.
//
// Shared by the thread that works on it and ModelLoads, which may cancel it. Thread-safe.
class LoadJob {
 public:
  // Sets the signature of the folder that is about to be read; see FolderSignature().
  void set_signature(std::string signature);
  std::string signature() const;

  // Adds a model that is cancelled with the job, at once if the job is cancelled already.
  void Add(std::shared_ptr<ServedModel> model);

  // Notes that the job waits for `model`, which another thread loads for a request, and shares its
  // outcome.
  void Await(std::shared_ptr<ServedModel> model);
  // Returns true if Await() was called for `model`.
  bool Awaits(const std::shared_ptr<ServedModel>& model) const;
  // Returns the model of the last Await(), or null.
  std::shared_ptr<ServedModel> awaited() const;

  // Cancels the loads of the models that were added. Only the first reason counts.
  void Cancel(const absl::Status& why);

  const std::atomic<bool>& cancelled() const { return cancelled_; }
  // Returns the reason of the cancellation, or OK.
  absl::Status why() const;

 private:
  std::atomic<bool> cancelled_{false};
  mutable Mutex mutex_;
  std::string signature_ ABSL_GUARDED_BY(mutex_);
  absl::Status why_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ServedModel>> models_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ServedModel>> awaited_ ABSL_GUARDED_BY(mutex_);
};

// The threads on which models load, and the requested loads of whole folders. A name has at most
// one load under way, and the content that was read last wins.
//
// Owned by the ModelRepository. Thread-safe. No call blocks, except Stop() and WaitUntilIdle().
//
//   loads->Load("a", done);             // reads the folder and loads
//   loads->Load("a", other);            // joins the first, unless the folder has changed since
//   loads->Reload("a");                 // cancels that load and loads the new content for both
//   loads->Cancel("a", error);          // answers both with the error
class ModelLoads final : public Executor {
 public:
  using Done = absl::AnyInvocable<void(absl::Status) &&>;
  // Reads and loads the model `name` as `job`, and replaces the old versions. Blocks, on a loader's
  // thread. Returns nullopt after LoadJob::Await(): the job gives its thread back to other models,
  // and is run again when the awaited load has ended.
  using Work = std::function<std::optional<absl::Status>(const std::string& name, LoadJob& job)>;

  struct Options {
    int threads = 2;  // models that load at the same time; at least 1
    int nice = 0;     // of the threads, 0 to 19
    Work work;
    // Returns the signature of a model's folder; see FolderSignature(). Blocks, on a loader's
    // thread.
    std::function<std::string(const std::string& name)> signature;
  };

  // INVALID_ARGUMENT if an option is out of range.
  static absl::StatusOr<std::unique_ptr<ModelLoads>> Create(Options options);

  // Calls Stop().
  ~ModelLoads() override;

  // Runs the load of a single model that a request needs.
  bool TrySubmit(Task& task) override;

  // Reads and loads the model. If a load is under way, waits for it and, if the folder has not
  // changed since that load read it, shares its outcome. `done` runs on a loader's thread, or on
  // the calling thread if no more loads can be queued (RESOURCE_EXHAUSTED). If the load is
  // cancelled, it runs on the thread that cancels it.
  void Load(std::string name, Done done);

  // Loads a folder that has changed. A load under way has the old content: it is cancelled, and its
  // callers wait for the new load.
  void Reload(const std::string& name);

  // Cancels the load of the name, and answers its callers with `why`. Returns false if there is
  // none.
  bool Cancel(const std::string& name, const absl::Status& why);
  void CancelAll(const absl::Status& why);

  // Returns true if a load of the name was asked for and has not ended.
  bool UnderWay(const std::string& name) const;

  // Waits until no load is queued or running. Returns false once clock.Monotonic() has reached
  // `deadline`.
  bool WaitUntilIdle(const Clock& clock, absl::Duration deadline);

  // Refuses new loads, runs the queued ones, and joins the threads. Idempotent.
  void Stop();

 private:
  struct Entry {
    std::shared_ptr<LoadJob> job;     // null if the load has not begun
    std::shared_ptr<LoadJob> parked;  // awaits another load, or a thread after that; or null
    bool given_up = false;            // Cancel() was called since the job began
    std::vector<Done> asked;          // callers that wait for this load
    bool again = false;               // true if they must wait for another load instead
    std::vector<Done> later;          // callers that asked after this load began
    size_t joining = 0;  // number of these, from the first, that asked for the content it has read
  };

  explicit ModelLoads(Options options) : options_(std::move(options)) {}

  bool SubmitLoad(const std::string& name);
  // Submits the load. If that fails, answers its callers with the reason.
  void SubmitOrCancel(const std::string& name);
  void Run(const std::string& name);
  // Parks a job that awaits a load until that has ended.
  void Park(const std::string& name, const std::shared_ptr<LoadJob>& job);
  static void Answer(std::vector<Done> asked, const absl::Status& status);

  const Options options_;

  mutable Mutex mutex_;
  CondVar idle_;
  size_t tasks_ ABSL_GUARDED_BY(mutex_) = 0;    // queued or running
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;  // callers in all `asked` and `later`
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<ThreadExecutor> threads_;
};

}  // namespace souvenir::compute
