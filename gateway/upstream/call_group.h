#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// Calls that are cancelled together. A call that is added after the cancellation is cancelled too.
//
// Thread-safe. It shares the calls and keeps them until it is destroyed.
class CallGroup final : public Upstream::Call {
 public:
  // Cancels `call` if the group was cancelled already.
  void Add(std::shared_ptr<Upstream::Call> call) {
    {
      MutexLock lock(&mutex_);
      calls_.push_back(call);
      if (!cancelled_) return;
    }
    call->Cancel();
  }

  void Cancel() override {
    std::vector<std::shared_ptr<Upstream::Call>> calls;
    {
      MutexLock lock(&mutex_);
      cancelled_ = true;
      calls = calls_;
    }
    for (const std::shared_ptr<Upstream::Call>& call : calls) call->Cancel();
  }

 private:
  Mutex mutex_;
  std::vector<std::shared_ptr<Upstream::Call>> calls_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir::gateway
