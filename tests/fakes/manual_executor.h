#pragma once

#include <deque>
#include <utility>

#include "common/executor.h"
#include "common/mutex.h"

namespace souvenir {

// An executor whose tasks run in RunAll(), on the calling thread. Thread-safe.
class ManualExecutor final : public Executor {
 public:
  bool TrySubmit(Task& task) override {
    MutexLock lock(&mutex_);
    if (full_) return false;
    tasks_.push_back(std::move(task));
    return true;
  }

  // Runs all queued tasks, and those that they queue. Returns their number.
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

  // Refuses tasks from now on, or accepts them again.
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
