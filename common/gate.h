#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/thread_shard.h"

namespace souvenir {

// Counts the requests under way, so that a stop can refuse new ones and wait for the rest.
//
//   std::optional<Gate::Pass> pass = gate.Enter();
//   if (!pass) return absl::UnavailableError("the server is stopping");
//   ... keep `pass` until the work has ended ...
//
// Every request passes a gate, so each shard of threads has a counter and a lock of its own to
// avoid contention. Thread-safe. A Gate must outlive its passes: nobody may be inside when it is
// destroyed.
class Gate {
  struct Shard;

 public:
  // Permission to be inside. Leaves the gate when it is destroyed.
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
    Shard* shard_;  // the entered shard; a thread of another shard may leave it
  };

  Gate() = default;
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Enters the gate. Returns nullopt if it is closed.
  std::optional<Pass> Enter();

  // Refuses further entries. Idempotent.
  void Close();

  // Waits until all passes have left. REQUIRES: the gate is closed.
  void WaitUntilEmpty();
  // Same as above, but returns false once clock.Monotonic() has reached `deadline`.
  bool WaitUntilEmpty(const Clock& clock, absl::Duration deadline);

  // Allows entries again.
  void Open();

  // Returns the number of passes.
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
