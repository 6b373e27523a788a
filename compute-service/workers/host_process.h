#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/cancellation.h"
#include "compute-service/workers/child_process.h"
#include "compute-service/workers/message_channel.h"
#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {

// A worker program that runs as a host: one process that has loaded a model and forks workers.
//
// Owned by a WorkerHost. Not thread-safe. The process ends with the service, because it then reads
// the end of its control channel.
class HostProcess {
 public:
  struct Options {
    std::string program;                         // path
    std::vector<std::string> arguments;          // after the program's name
    int nice = 0;                                // 0 to 19, added to the service's own
    absl::Duration start_timeout;                // limit for loading
    const Cancellation* cancellation = nullptr;  // cancels the start; null for none; outlives this
  };

  // Starts the program and waits until the model is loaded. Errors: the status of the program's
  // load function; FAILED_PRECONDITION if the program cannot be run; DEADLINE_EXCEEDED if loading
  // takes too long; UNAVAILABLE if it is cancelled; INTERNAL if the process ends instead, with how
  // it ended and what it wrote.
  static absl::StatusOr<std::unique_ptr<HostProcess>> Start(const Options& options);

  // Lets the host end its workers and itself; kills it if it is silent for two seconds.
  ~HostProcess();

  // Sends a command, with the descriptor `pass` unless that is -1, and waits for the reply.
  // UNAVAILABLE if the host is gone or does not reply; it must then be destroyed.
  absl::StatusOr<std::string> Execute(const HostCommand& command, int pass = -1);

  // Returns false once the process has ended, or its channel has an unexpected message.
  bool Usable() const { return !channel_.Readable(); }

  pid_t pid() const { return process_.pid(); }

 private:
  HostProcess(ChildProcess process, MessageChannel channel)
      : process_(std::move(process)), channel_(std::move(channel)) {}

  absl::StatusOr<std::string> Exchange(std::string_view command, int pass);

  ChildProcess process_;
  MessageChannel channel_;
};

}  // namespace souvenir::compute
