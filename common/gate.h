#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/thread_shard.h"

namespace souvenir {

// Counts what is under way, so that a stop can refuse what is new and wait for what is not.
//
//   std::optional<Gate::Pass> pass = gate.Enter();
//   if (!pass) return absl::UnavailableError("the server is stopping");
//   ... keep `pass` until the work has ended ...
//
// Every request goes through one: it counts for each shard of threads by itself, so that they do
// not wait for each other. Thread-safe. A Gate outlives its passes.
class Gate {
  struct Shard;

 public:
  // Leaves the gate when it is destroyed.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : shard_(std::exchange(other.shard_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(shard_, other.shard_);
      return *this;
    }
    ~Pass() {
      if (shard_ != nullptr) shard_->Leave();
    }

   private:
    friend class Gate;
    explicit Pass(Shard* shard) : shard_(shard) {}
    Shard* shard_;  // that was entered; another thread may leave
  };

  // Nothing when the gate is closed.
  std::optional<Pass> Enter();

  // Lets nothing more in. Idempotent.
  void Close();

  // Waits until all have left; false when `timeout` passed first. REQUIRES: closed.
  bool WaitUntilEmpty(absl::Duration timeout);

  // Lets in again.
  void Open();

  size_t inside() const;

 private:
  struct alignas(64) Shard {
    void Leave();

    mutable Mutex mutex;
    CondVar emptied;
    size_t inside ABSL_GUARDED_BY(mutex) = 0;
    bool closed ABSL_GUARDED_BY(mutex) = false;
  };

  std::array<Shard, kThreadShards> shards_;
};

}  // namespace souvenir
