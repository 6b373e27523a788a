#include "common/periodic_thread.h"

#include <algorithm>
#include <utility>

#include "common/thread.h"

namespace souvenir {

PeriodicThread::PeriodicThread(const Options& options, Work work)
    : options_(options), work_(std::move(work)) {
  thread_ = StartThread(
      options_.name, [this] { Run(); }, options_.nice);
}

PeriodicThread::~PeriodicThread() { Stop(); }

void PeriodicThread::Poke() {
  {
    MutexLock lock(&mutex_);
    poked_ = true;
  }
  changed_.NotifyAll();
}

void PeriodicThread::RequestStop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
}

void PeriodicThread::Stop() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

void PeriodicThread::Run() {
  do {
    {
      MutexLock lock(&mutex_);
      poked_ = false;
    }
  } while (Pause(work_()));
}

bool PeriodicThread::Pause(absl::Duration pause) {
  const absl::Duration begun = options_.clock->Monotonic();
  const absl::Duration earliest = begun + std::min(pause, options_.least_pause);
  MutexLock lock(&mutex_);
  while (!stopping_) {
    const absl::Duration end = poked_ ? earliest : begun + pause;
    if (!changed_.WaitUntil(&mutex_, *options_.clock, end)) return true;
  }
  return false;
}

}  // namespace souvenir
