#pragma once

#include <deque>
#include <utility>

#include "common/executor.h"
#include "common/mutex.h"

namespace souvenir {

// An executor whose tasks run when the test says so, on the test's thread. Thread-safe.
class ManualExecutor final : public Executor {
 public:
  bool TrySubmit(Task& task) override {
    MutexLock lock(&mutex_);
    if (full_) return false;
    tasks_.push_back(std::move(task));
    return true;
  }

  // Runs what is queued, and what that queues; how many they were.
  size_t RunAll() {
    for (size_t count = 0;; ++count) {
      Task task;
      {
        MutexLock lock(&mutex_);
        if (tasks_.empty()) return count;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      std::move(task)();
    }
  }

  // Whether to refuse what comes from now on.
  void set_full(bool full) {
    MutexLock lock(&mutex_);
    full_ = full;
  }

 private:
  Mutex mutex_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir
