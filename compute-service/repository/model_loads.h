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

// A load of a model's folder, with the signature that was read and the models that load.
//
// Shared by the thread that works on it and ModelLoads, which may cancel it. Thread-safe.
class LoadJob {
 public:
  // Notes the state of the folder that is about to be read, see FolderSignature().
  void set_signature(std::string signature);
  std::string signature() const;

  // Has `model` be cancelled with the job, be it cancelled already.
  void Add(std::shared_ptr<ServedModel> model);

  // Notes that the job waits for `model`, which another thread loads for a request, and is to have
  // its outcome.
  void Await(std::shared_ptr<ServedModel> model);
  // Tells whether Await() was called for `model`.
  bool Awaits(const std::shared_ptr<ServedModel>& model) const;
  // Returns the model of the last Await(); null without one.
  std::shared_ptr<ServedModel> awaited() const;

  // Gives up the loads of the models that were added. The first reason counts.
  void Cancel(const absl::Status& why);

  const std::atomic<bool>& cancelled() const { return cancelled_; }
  // Why it was cancelled; OK if it was not.
  absl::Status why() const;

 private:
  std::atomic<bool> cancelled_{false};
  mutable Mutex mutex_;
  std::string signature_ ABSL_GUARDED_BY(mutex_);
  absl::Status why_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ServedModel>> models_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ServedModel>> awaited_ ABSL_GUARDED_BY(mutex_);
};

// The threads on which models load, and the loads of whole folders that were asked for: of one name
// there is never more than one under way, and what was read last is what counts.
//
// Owned by the ModelRepository. Thread-safe. Calls do not block, Stop() and WaitUntilIdle() apart.
//
//   loads->Load("a", done);             // reads the folder and loads
//   loads->Load("a", other);            // joins the first, unless the folder has changed since
//   loads->Reload("a", "it changed");   // gives both up, loads what is there now, answers both
//   loads->Cancel("a", error);          // answers all of them with the error
class ModelLoads final : public Executor {
 public:
  using Done = absl::AnyInvocable<void(absl::Status) &&>;
  // Reads and loads the model `name` as `job`, and has it take over. Blocks, on a loader's thread.
  // Returns nullopt after LoadJob::Await(): the job gives its thread back, which other models would
  // miss, and is worked on anew when the awaited load has ended.
  using Work = std::function<std::optional<absl::Status>(const std::string& name, LoadJob& job)>;

  struct Options {
    int threads = 2;  // models that load at the same time; at least 1
    int nice = 0;     // of the threads, 0 to 19
    Work work;
    // The state of a model's folder, see FolderSignature(). Blocks, on a loader's thread.
    std::function<std::string(const std::string& name)> signature;
  };

  // INVALID_ARGUMENT for the options.
  static absl::StatusOr<std::unique_ptr<ModelLoads>> Create(Options options);

  // Calls Stop().
  ~ModelLoads() override;

  // For loads of single models, which requests have asked for.
  bool TrySubmit(Task& task) override;

  // Reads and loads the model. Where a load is under way and the folder is still as that one has
  // read it, its outcome counts for this one too. `done` runs on a loader's thread, or on the
  // calling one where no more loads can be queued (RESOURCE_EXHAUSTED) or a load that has not begun
  // is cancelled.
  void Load(std::string name, Done done);

  // Loads a folder that has changed. A load under way has older content: it is given up, and those
  // who wait for it wait for the new one.
  void Reload(const std::string& name);

  // Gives up the load of that name, and answers who waits for it with `why`. False if there is
  // none.
  bool Cancel(const std::string& name, const absl::Status& why);
  void CancelAll(const absl::Status& why);

  // Returns true if a load of that name was asked for and has not ended.
  bool UnderWay(const std::string& name) const;

  // Waits until nothing loads or has yet to load. Returns false once clock.Monotonic() has reached
  // `deadline`.
  bool WaitUntilIdle(const Clock& clock, absl::Duration deadline);

  // Refuses new loads, ends those that are queued, and joins the threads. Idempotent.
  void Stop();

 private:
  struct Entry {
    std::shared_ptr<LoadJob> job;     // null: it has not begun
    std::shared_ptr<LoadJob> parked;  // awaits another load, or its thread after that; else null
    bool given_up = false;            // Cancel() was called since the job began
    std::vector<Done> asked;          // wait for its end
    bool again = false;               // its end is not what they wait for: another load is due
    std::vector<Done> later;          // have asked since it began
    size_t joining = 0;  // of these, from the first, how many asked for what it has read
  };

  explicit ModelLoads(Options options) : options_(std::move(options)) {}

  bool SubmitLoad(const std::string& name);
  // Submits the load, or answers who waits for it with the reason why it cannot run.
  void SubmitOrCancel(const std::string& name);
  void Run(const std::string& name);
  // Keeps a job that awaits a load until that has ended.
  void Park(const std::string& name, const std::shared_ptr<LoadJob>& job);
  static void Answer(std::vector<Done> asked, const absl::Status& status);

  const Options options_;

  mutable Mutex mutex_;
  CondVar idle_;
  size_t tasks_ ABSL_GUARDED_BY(mutex_) = 0;    // queued or running
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;  // in all `asked` and `later`
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<ThreadExecutor> threads_;
};

}  // namespace souvenir::compute
