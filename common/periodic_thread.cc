#include "common/periodic_thread.h"

#include <algorithm>
#include <chrono>
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
  using std::chrono::steady_clock;
  const auto begun = steady_clock::now();
  const auto earliest = begun + absl::ToChronoNanoseconds(std::min(pause, options_.least_pause));
  const auto latest = begun + absl::ToChronoNanoseconds(pause);
  MutexLock lock(&mutex_);
  while (!stopping_) {
    const auto left = (poked_ ? earliest : latest) - steady_clock::now();
    if (left <= left.zero()) return true;
    changed_.WaitFor(&mutex_, left);
  }
  return false;
}

}  // namespace souvenir
