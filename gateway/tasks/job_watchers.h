#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "common/mutex.h"
#include "gateway/tasks/task_types.h"

namespace souvenir::gateway {

// Those who wait for events of jobs. A watcher is told that there may be news, and reads them from
// the store: so it misses none if it looks once after it was added.
//
// Owned by the gateway. Thread-safe.
class JobWatchers {
 public:
  // Must not block. Called outside every lock, on any thread, also just after Remove().
  using Watcher = std::function<void()>;
  using Id = uint64_t;

  Id Add(JobNumber job, Watcher watcher) {
    auto shared = std::make_shared<const Watcher>(std::move(watcher));
    MutexLock lock(&mutex_);
    watchers_[job].emplace_back(++last_id_, std::move(shared));
    return last_id_;
  }

  void Remove(JobNumber job, Id id) {
    std::shared_ptr<const Watcher> removed;  // destroyed outside the lock
    MutexLock lock(&mutex_);
    const auto of_job = watchers_.find(job);
    if (of_job == watchers_.end()) return;
    for (auto& watcher : of_job->second) {
      if (watcher.first != id) continue;
      std::swap(watcher, of_job->second.back());
      removed = std::move(of_job->second.back().second);
      of_job->second.pop_back();
      break;
    }
    if (of_job->second.empty()) watchers_.erase(of_job);
  }

  // Tells the watchers of these jobs.
  void Tell(absl::Span<const JobNumber> jobs) {
    std::vector<std::shared_ptr<const Watcher>> told;
    {
      MutexLock lock(&mutex_);
      if (watchers_.empty()) return;
      for (const JobNumber job : jobs) {
        const auto of_job = watchers_.find(job);
        if (of_job == watchers_.end()) continue;
        for (const auto& [id, watcher] : of_job->second) told.push_back(watcher);
      }
    }
    for (const auto& watcher : told) (*watcher)();
  }

 private:
  Mutex mutex_;
  Id last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<JobNumber, std::vector<std::pair<Id, std::shared_ptr<const Watcher>>>>
      watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
