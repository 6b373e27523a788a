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

// Runs tasks somewhere else. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Queues `task`. False, with `task` untouched, when the queue is full or the executor has
  // stopped; the caller then says RESOURCE_EXHAUSTED or does without.
  virtual bool TrySubmit(Task& task) = 0;
};

// Threads behind one bounded queue, first come first served.
//
// Thread-safe. Tasks may submit further tasks. They must not throw.
class ThreadExecutor final : public Executor {
 public:
  struct Options {
    std::string name;           // of the threads: "disk" gives "disk/0", "disk/1"
    int threads = 1;            // at least 1
    size_t queue_limit = 1024;  // tasks waiting; at least 1
    int nice = 0;               // 0 to 19
  };

  static absl::StatusOr<std::unique_ptr<ThreadExecutor>> Create(Options options);

  // As Stop().
  ~ThreadExecutor() override;

  bool TrySubmit(Task& task) override;

  // Refuses new tasks, runs those that are queued, joins the threads. Idempotent; must not be
  // called from a task.
  void Stop();

  // Tasks that wait now.
  size_t queued() const;

 private:
  explicit ThreadExecutor(Options options);
  void Run();

  const Options options_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Task> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace souvenir
