#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
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
// Owned by the model; outlives its workers. Thread-safe. Calls block as long as forking takes, or
// loading if the host process was lost.
class WorkerHost {
 public:
  struct Options {
    std::string name;                    // name of the model, for logs and messages
    std::string program;                 // path of a program that runs RunWorkerHost()
    std::vector<std::string> arguments;  // for its load function
    int nice = 0;                        // 0 to 19, added to the service's own
    absl::Duration start_timeout = absl::Seconds(30);  // limit for loading
    // Requests to one process; 0 for no limit. With 1, each request gets a process in the state
    // that loading has left.
    uint64_t recycle_after = 50'000;
    // Limit of a request, of an answer, and of requests that are sent together; above 0 and at most
    // MessageChannel::kDefaultLimit.
    uint32_t max_message_bytes = MessageChannel::kDefaultLimit;
    // Cancels every start of the program. Null for none. Outlives this.
    const Cancellation* cancellation = nullptr;
    // Called before each start of the program and after it has loaded. Unless it returns OK, the
    // process serves nothing and is ended, and the error is that of the start. Empty means always
    // OK. Called under the lock of the host, so it must not call the host.
    std::function<absl::Status()> check_files;
    Clock* clock = Clock::System();  // for pauses after repeated failures
  };

  // Starts the program, and blocks while it loads. INVALID_ARGUMENT if an option is invalid; other
  // errors are those of HostProcess::Start() and Options::check_files.
  static absl::StatusOr<std::unique_ptr<WorkerHost>> Start(Options options);

  ~WorkerHost();

  // Returns a worker with a process that is ready for calls. UNAVAILABLE in a pause after repeated
  // failures; the errors of Start() if the host has to be restarted. A host that runs serves on,
  // even if the files have changed since it loaded them.
  absl::StatusOr<std::unique_ptr<Worker>> Fork();

  // Returns the number of processes that died or had to be killed since the start.
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

  // Returns the memory of the host process and its workers in bytes, with shared memory counted
  // once, or 0 if that cannot be read. Reads files of /proc.
  uint64_t MemoryBytes();

 private:
  friend class Worker;

  struct Process {
    uint64_t number;  // the number in HostCommand
    MessageChannel channel;
  };

  explicit WorkerHost(Options options);

  // Restarts the host process if it was lost.
  absl::StatusOr<Process> ForkProcess();

  // Same as ForkProcess(), but returns a process without a channel if it cannot fork, or if the
  // host process was lost.
  Process ForkAhead();

  // Kills the process, unless it has ended. Returns how it ended, for a message.
  std::string EndProcess(uint64_t number);

  absl::StatusOr<Process> ForkFromHost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RestartIfLost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckFiles() const;

  const Options options_;
  std::atomic<uint64_t> lost_{0};

  Mutex mutex_;
  std::unique_ptr<HostProcess> process_ ABSL_GUARDED_BY(mutex_);  // null if it was lost
  Backoff backoff_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t first_of_host_ ABSL_GUARDED_BY(mutex_) = 1;  // workers below belong to a lost host
};

// One worker process at a time. If the process is lost or has served enough requests, the next
// request gets a fresh process at once: a request that ends its worker costs no other request a
// pause. Only a host that cannot be started, or cannot fork, causes pauses (WorkerHost::Fork()).
//
// While a process serves the last requests that it may serve, its successor is forked. If each
// process serves one request, the end of its predecessor is awaited at that time, too, so that no
// request waits for either.
//
// Owned by one instance; used by one thread at a time. Its host outlives it.
//
//   worker->CallAll(rows, absl::Seconds(10), [&](Worker::Answer row) { answers.push_back(row); });
class Worker {
 public:
  struct Answer {
    std::string payload;
    absl::Duration compute_time;  // as measured by the worker
  };

  ~Worker();

  // Makes the worker serve the requests in order, without waiting for this process in between, and
  // calls `take` with each answer as it comes. Each request has its own `timeout`, which begins
  // with the answer to the one before. The first error ends the call: the answers until then have
  // been taken, and the other requests are not served. Errors: those of the serve function;
  // DEADLINE_EXCEEDED if a request took longer than `timeout` and the worker was killed;
  // UNAVAILABLE if the worker died or sent an invalid answer; RESOURCE_EXHAUSTED if a request is
  // too big; those of WorkerHost::Fork() if a fresh process is needed.
  absl::Status CallAll(absl::Span<const std::string> requests, absl::Duration timeout,
                       absl::FunctionRef<void(Answer)> take);

  // Same as CallAll(), for one request.
  absl::StatusOr<Answer> Call(const std::string& request, absl::Duration timeout);

 private:
  friend class WorkerHost;
  explicit Worker(WorkerHost* host);

  // Ensures that there is a process.
  absl::Status Prepare();

  // Returns true if the present process may serve no more than `requests` further requests.
  bool UsedUpBy(size_t requests) const;

  // Forks the next process and ends the last one, unless that is done already.
  void ReplaceAhead();

  // Lets the process, which has served enough, end by itself.
  void Retire();

  // Returns the number of requests, from the first, that may go to the present process in one
  // message; at least 1.
  size_t GroupSize(absl::Span<const std::string> requests) const;

  // Sends `group` to the present process in one message, and takes the answers. Returns their
  // number, which is smaller if the process must not be used again.
  absl::StatusOr<size_t> CallGroup(absl::Span<const std::string> group, absl::Duration timeout,
                                   absl::FunctionRef<void(Answer)> take);

  // Returns the next answer. The errors are those of the channel and of DecodeAnswer().
  absl::StatusOr<WorkerAnswer> Receive(absl::Duration timeout);

  // Ends the process, which `reason` has made useless, and returns the error of the call.
  absl::Status Lost(const absl::Status& reason, absl::Duration timeout);

  // Ends the process. Returns how it ended.
  std::string End();

  WorkerHost* const host_;
  WorkerHost::Process process_;  // its channel is closed if there is no process
  uint64_t served_ = 0;          // requests to this process
  WorkerHost::Process next_;     // forked ahead; its channel is closed if there is none
  uint64_t retired_ = 0;         // number of a process whose end was not awaited yet; 0 for none
};

}  // namespace souvenir::compute
