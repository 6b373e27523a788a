#include "common/timer_queue.h"

#include <algorithm>

#include "common/thread.h"

namespace souvenir {

TimerQueue::TimerQueue(Clock* clock, Mode mode) : clock_(clock) {
  if (mode == Mode::kThread) thread_ = StartThread("timers", [this] { Run(); });
}

TimerQueue::~TimerQueue() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

TimerQueue::Id TimerQueue::Schedule(absl::Duration when, Callback callback) {
  Id id;
  bool sleeps_too_long;
  {
    MutexLock lock(&mutex_);
    id = next_id_++;
    timers_.emplace(std::pair(when, id), std::move(callback));
    when_.emplace(id, when);
    sleeps_too_long = when < looks_at_;
    if (sleeps_too_long) looks_at_ = when;
  }
  if (sleeps_too_long) changed_.NotifyAll();
  return id;
}

bool TimerQueue::Cancel(Id id) {
  Callback dropped;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  const auto when = when_.find(id);
  if (when == when_.end()) return false;
  const auto timer = timers_.find({when->second, id});
  dropped = std::move(timer->second);
  timers_.erase(timer);
  when_.erase(when);
  return true;
}

void TimerQueue::RunDue() {
  for (;;) {
    Callback callback;
    {
      MutexLock lock(&mutex_);
      if (timers_.empty() || timers_.begin()->first.first > clock_->Monotonic()) return;
      callback = std::move(timers_.begin()->second);
      when_.erase(timers_.begin()->first.second);
      timers_.erase(timers_.begin());
    }
    std::move(callback)();
  }
}

void TimerQueue::Run() {
  for (;;) {
    {
      MutexLock lock(&mutex_);
      while (!stopping_) {
        looks_at_ = timers_.empty() ? absl::InfiniteDuration() : timers_.begin()->first.first;
        if (!changed_.WaitUntil(&mutex_, *clock_, looks_at_)) break;
      }
      looks_at_ = -absl::InfiniteDuration();
      if (stopping_) return;
    }
    RunDue();
  }
}

}  // namespace souvenir
