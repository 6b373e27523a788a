#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/executor.h"
#include "common/grpc/rpc_entry.h"
#include "common/timer_queue.h"
#include "gateway/rpc/call_options.h"
#include "gateway/tasks/task_engine.h"

namespace souvenir::gateway {

// The parts that the handlers of TaskService share. All of them outlive the handlers.
struct TaskParts {
  TaskEngine* engine;  // null: the gateway has no task store
  Executor* executor;  // for all that waits for the store, but for submissions
  // For submissions, whose large writes should not hold up the others.
  Executor* submissions;
  TimerQueue* timers;
  RpcEntry* entry;
  bool trust_tenant_header = false;
  absl::Duration idle_timeout = absl::Minutes(1);      // of a stream that submits a job
  absl::Duration submission_timeout = absl::Hours(1);  // of such a stream as a whole

  // Returns the tenant of a call; an error if the call is refused: there is no store, or its
  // metadata are invalid.
  absl::StatusOr<std::string> Admit(grpc::CallbackServerContext* context) const {
    if (engine == nullptr) {
      return absl::UnimplementedError(
          "this gateway has no task store; set tasks.directory in its configuration");
    }
    CallOptions options;
    const absl::Status read =
        ReadCallOptions(trust_tenant_header, *entry->clock(), context, &options);
    if (!read.ok()) return read;
    return options.tenant;
  }

  static absl::Status Busy() {
    return absl::ResourceExhaustedError("too many calls wait for the task store; try again later");
  }
};

}  // namespace souvenir::gateway
