#include "common/executor.h"

#include <fmt/format.h>

#include <utility>

#include "common/thread.h"

namespace souvenir {

absl::StatusOr<std::unique_ptr<ThreadExecutor>> ThreadExecutor::Create(Options options) {
  if (options.threads < 1 || options.queue_limit < 1) {
    return absl::InvalidArgumentError(
        fmt::format("executor {}: {} threads and a queue of {}; each must be at least 1",
                    options.name, options.threads, options.queue_limit));
  }
  return std::unique_ptr<ThreadExecutor>(new ThreadExecutor(std::move(options)));
}

ThreadExecutor::ThreadExecutor(Options options) : options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.push_back(StartThread(
        fmt::format("{}/{}", options_.name, i), [this] { Run(); }, options_.nice));
  }
}

ThreadExecutor::~ThreadExecutor() { Stop(); }

bool ThreadExecutor::TrySubmit(Task& task) {
  {
    MutexLock lock(&mutex_);
    // A thread that has not woken up for its task yet counts as free.
    const size_t free = static_cast<size_t>(options_.threads) - running_;
    if (stopping_ || queue_.size() >= options_.queue_limit + free) return false;
    queue_.push_back(std::move(task));
  }
  changed_.NotifyOne();
  return true;
}

void ThreadExecutor::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

size_t ThreadExecutor::queued() const {
  MutexLock lock(&mutex_);
  return queue_.size();
}

void ThreadExecutor::Run() {
  for (bool ran = false;; ran = true) {
    Task task;
    {
      MutexLock lock(&mutex_);
      if (ran) --running_;
      while (queue_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
      ++running_;
    }
    std::move(task)();
  }
}

}  // namespace souvenir
