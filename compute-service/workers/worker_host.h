#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/backoff.h"
#include "common/cancellation.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "compute-service/workers/host_process.h"
#include "compute-service/workers/message_channel.h"

namespace souvenir::compute {

class Worker;

// A model loaded once in a process of its own, from which workers are forked that share its memory.
//
// Owned by the model; outlives its workers. Thread-safe. Calls block for as long as forking or,
// when the host process was lost, loading takes.
class WorkerHost {
 public:
  struct Options {
    std::string name;                    // of the model, for logs and messages
    std::string program;                 // path of a program that runs RunWorkerHost()
    std::vector<std::string> arguments;  // for its load function
    int nice = 0;                        // 0 to 19, added to the service's own
    absl::Duration start_timeout = absl::Seconds(30);            // for loading
    uint64_t recycle_after = 50'000;                             // calls to one process; 0: never
    uint32_t max_message_bytes = MessageChannel::kDefaultLimit;  // of a request or an answer
    // Cancels every start of the program. Null means none. Outlives this.
    const Cancellation* cancellation = nullptr;
    Clock* clock = Clock::System();  // for pauses after repeated failures
  };

  // Blocks while the program loads. INVALID_ARGUMENT for the options; else HostProcess::Start's
  // errors.
  static absl::StatusOr<std::unique_ptr<WorkerHost>> Start(Options options);

  ~WorkerHost();

  // A worker process, ready for calls. UNAVAILABLE in a pause after repeated failures.
  absl::StatusOr<std::unique_ptr<Worker>> Fork();

  // Processes that died or had to be killed, since the start.
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

  // What the host process and its workers have in memory, what they share counted once; 0 where
  // that cannot be read. Reads files of /proc.
  uint64_t MemoryBytes();

 private:
  friend class Worker;

  struct Process {
    uint64_t number;  // as in HostCommand
    MessageChannel channel;
  };

  explicit WorkerHost(Options options);

  // Restarts the host process where it was lost.
  absl::StatusOr<Process> ForkProcess();

  // Kills the process unless it has ended. How it ended, for a message.
  std::string EndProcess(uint64_t number);

  absl::Status RestartIfLost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  std::atomic<uint64_t> lost_{0};

  Mutex mutex_;
  std::unique_ptr<HostProcess> process_ ABSL_GUARDED_BY(mutex_);  // null where it was lost
  Backoff backoff_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t first_of_host_ ABSL_GUARDED_BY(mutex_) = 1;  // workers below belong to a lost host
};

// One worker process at a time: where one is lost or has served enough, the next call gets a fresh
// one.
//
// Owned by one instance; used by one thread at a time. Its host outlives it.
class Worker {
 public:
  struct Answer {
    std::string payload;
    absl::Duration compute_time;  // as the worker measured it
  };

  ~Worker();

  // Has the worker serve `request`. Errors: what its serve function returned; DEADLINE_EXCEEDED
  // when it took longer than `timeout`, and was killed; UNAVAILABLE when it died, when it sent what
  // is no answer, and in a pause after it died repeatedly; RESOURCE_EXHAUSTED when the request is
  // too big.
  absl::StatusOr<Answer> Call(std::string_view request, absl::Duration timeout);

 private:
  friend class WorkerHost;
  explicit Worker(WorkerHost* host);

  // Sees to it that there is a process.
  absl::Status Prepare();

  // One request and its answer, through the process that there is.
  absl::StatusOr<WorkerAnswer> Exchange(std::string_view request, absl::Duration timeout);

  // Gives the process up. How it ended.
  std::string End();

  WorkerHost* const host_;
  WorkerHost::Process process_;  // its channel is closed where there is no process
  uint64_t served_ = 0;          // calls, by this process
  Backoff backoff_;
};

}  // namespace souvenir::compute
