#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"

namespace souvenir {

using Task = absl::AnyInvocable<void() &&>;

// Runs tasks on other threads. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Queues `task`. Returns false and leaves `task` untouched if the queue is full or the executor
  // was stopped. The caller then returns RESOURCE_EXHAUSTED or does without the task.
  virtual bool TrySubmit(Task& task) = 0;
};

// Threads that run tasks from one bounded queue, in the order of submission.
//
// Thread-safe. Tasks may submit further tasks. They must not throw.
class ThreadExecutor final : public Executor {
 public:
  struct Options {
    std::string name;           // prefix of thread names: "disk" gives "disk/0", "disk/1"
    int threads = 1;            // at least 1
    size_t queue_limit = 1024;  // maximum number of tasks that wait for a thread; at least 1
    int nice = 0;               // nice value of the threads, 0 to 19
  };

  // INVALID_ARGUMENT if an option is out of range.
  static absl::StatusOr<std::unique_ptr<ThreadExecutor>> Create(Options options);

  // Calls Stop().
  ~ThreadExecutor() override;

  bool TrySubmit(Task& task) override;

  // Refuses new tasks, runs the queued ones and joins the threads. Blocks. Idempotent. Must not be
  // called by a task.
  void Stop();

  // Returns the number of tasks that wait.
  size_t queued() const;

 private:
  explicit ThreadExecutor(Options options);
  void Run();

  const Options options_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Task> queue_ ABSL_GUARDED_BY(mutex_);
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;  // tasks that a thread has taken
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace souvenir
