#include "gateway/resolve/resolve_scope.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace souvenir::gateway {

void ResolveScope::Resolve(const ResolveCallPtr& call) {
  {
    MutexLock lock(&mutex_);
    active_.push_back({.call = call});
  }
  resolver_->Resolve(call);
  absl::Status gone;
  {
    MutexLock lock(&mutex_);
    const auto found = std::find_if(active_.begin(), active_.end(), [&](const Active& active) {
      return active.call.get() == call.get();
    });
    if (found == active_.end()) return;  // it is answered
    found->begun = true;
    gone = gone_;
  }
  // Resolver::Cancel() must not run before Resolve() has returned, so Cancel() has left this call
  // to this thread.
  if (!gone.ok()) resolver_->Cancel(call, gone);
}

void ResolveScope::Forget(const ResolveCall& call) {
  ResolveCallPtr forgotten;  // released outside the lock
  MutexLock lock(&mutex_);
  const auto found = std::find_if(active_.begin(), active_.end(),
                                  [&](const Active& active) { return active.call.get() == &call; });
  if (found == active_.end()) return;
  forgotten = std::move(found->call);
  active_.erase(found);
}

void ResolveScope::Cancel(const absl::Status& reason) {
  std::vector<ResolveCallPtr> begun;
  {
    MutexLock lock(&mutex_);
    if (!gone_.ok()) return;
    gone_ = reason;
    for (const Active& active : active_) {
      if (active.begun) begun.push_back(active.call);
    }
  }
  for (const ResolveCallPtr& call : begun) resolver_->Cancel(call, reason);
}

}  // namespace souvenir::gateway
