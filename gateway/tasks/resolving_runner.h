#pragma once

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/timer_queue.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/resolver.h"
#include "gateway/tasks/step_runner.h"
#include "gateway/tasks/task_store.h"

namespace souvenir::gateway {

// Runs steps on the cached path: a step is a call of its model, behind those of interactive
// callers.
//
// Owned by the gateway. Thread-safe.
class ResolvingRunner final : public StepRunner {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    uint64_t max_input_bytes = 64u << 20;   // of all inputs of a step
    uint64_t max_result_bytes = 64u << 20;  // of all outputs of a step
  };

  // All must outlive the runner.
  struct Parts {
    const Clock* clock;
    const TaskStore* store;
    const Catalog* catalog;
    Resolver* resolver;
  };

  ResolvingRunner(const Options& options, const Parts& parts) : options_(options), parts_(parts) {}

  std::shared_ptr<Attempt> Start(const ClaimedStep& step, Gate gate, Done done) override;

 private:
  class Call;

  const Options options_;
  const Parts parts_;
};

}  // namespace souvenir::gateway
