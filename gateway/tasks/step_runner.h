#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/tasks/step_spec.h"
#include "gateway/tasks/task_types.h"

namespace souvenir::gateway {

// The result of an attempt.
struct StepResult {
  absl::StatusOr<std::string> outputs;  // encoded by EncodeTensors()
  uint32_t rows = 0;                    // that were asked for
  uint32_t remembered_rows = 0;         // of these, those that were not computed for it
  RetryPolicy retry;                    // of the step
  bool no_room = false;  // an error: the gateway itself had no room, and no server was asked
};

// Runs steps. It knows what a step does; the scheduler knows when.
//
// Thread-safe. Outlives the attempts that it has started.
class StepRunner {
 public:
  virtual ~StepRunner() = default;

  // An attempt under way.
  class Attempt {
   public:
    virtual ~Attempt() = default;
    // Has the attempt end soon. Does nothing to one that has ended. Thread-safe; must not be called
    // under a lock that `done` takes.
    virtual void Cancel() = 0;
  };

  // Called once for each attempt, on any thread, also before Start() returns. Must not block.
  using Done = std::function<void(StepResult)>;

  // Returns false if no step of the model may run now. Called at most once for an attempt, before
  // Start() returns, on its thread.
  using Gate = absl::FunctionRef<bool(const std::string& model)>;

  // Starts an attempt. May wait for the disk, from which it reads the step. If `gate` returns
  // false, the attempt ends with an error at once.
  virtual std::shared_ptr<Attempt> Start(const ClaimedStep& step, Gate gate, Done done) = 0;
};

}  // namespace souvenir::gateway
