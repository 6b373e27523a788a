#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "common/mutex.h"

namespace souvenir {

// Counts what is under way, so that a stop can refuse what is new and wait for what is not.
//
//   std::optional<Gate::Pass> pass = gate.Enter();
//   if (!pass) return absl::UnavailableError("the server is stopping");
//   ... keep `pass` until the work has ended ...
//
// Thread-safe. A Gate outlives its passes.
class Gate {
 public:
  // Leaves the gate when it is destroyed.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave();
    }

   private:
    friend class Gate;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Gate* gate_;
  };

  // Nothing when the gate is closed.
  std::optional<Pass> Enter();

  // Lets nothing more in. Idempotent.
  void Close();

  // Waits until all have left; false when `timeout` passed first. REQUIRES: closed.
  bool WaitUntilEmpty(absl::Duration timeout);

  size_t inside() const;

 private:
  void Leave();

  mutable Mutex mutex_;
  CondVar emptied_;
  size_t inside_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir
