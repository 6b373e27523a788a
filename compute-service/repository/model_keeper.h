#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/machine.h"
#include "common/periodic_thread.h"
#include "compute-service/repository/model_repository.h"

namespace souvenir::compute {

// Looks after the models of a repository, on a thread named "keeper": fits the number of instances
// to the load, finds models that hang, keeps the memory of all models within a budget by unloading
// those that have been idle longest, and polls the repository for changed folders.
//
// Owned by the service; the repository and the clock must outlive it. Thread-safe.
class ModelKeeper {
 public:
  // Not checked here: CheckComputeConfig() has checked the values that users set.
  struct Options {
    absl::Duration interval = absl::Milliseconds(250);    // between two looks
    absl::Duration measure_interval = absl::Seconds(2);   // between measurements of memory
    uint64_t memory_budget_bytes = 0;                     // for all models; 0 for no limit
    absl::Duration poll_interval = absl::ZeroDuration();  // of the repository; 0 for never
    std::function<Machine()> read_machine = [] { return ReadMachine(); };
  };

  enum class Mode {
    kThread,
    kManual,  // no thread: a test calls Tick()
  };

  ModelKeeper(Options options, ModelRepository* repository, Clock* clock,
              Mode mode = Mode::kThread);

  // Calls Stop().
  ~ModelKeeper();

  // Stops the thread, and waits for a look that is under way. Idempotent.
  void Stop();

  // Takes one look. Called by the keeper's thread, or by a test.
  void Tick();

  uint64_t memory_budget_bytes() const { return options_.memory_budget_bytes; }

 private:
  void Fit(absl::Duration now);
  void KeepBudget();

  const Options options_;
  ModelRepository* const repository_;
  Clock* const clock_;

  // Used only by the thread.
  absl::Duration looked_at_;
  absl::Duration measured_at_;
  absl::Duration polled_at_;
  double own_load_ = 0;

  std::unique_ptr<PeriodicThread> thread_;  // null if a test takes its place
};

}  // namespace souvenir::compute
