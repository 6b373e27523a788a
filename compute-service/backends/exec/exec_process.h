#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/cancellation.h"
#include "common/mutex.h"
#include "compute-service/workers/child_process.h"
#include "compute-service/workers/message_channel.h"

namespace souvenir::compute {

// A program that answers messages on its standard input with messages on its standard output. It
// runs below the program souvenir-worker-exec, which ends with it all that it has started. What it
// writes to its standard error is read all the time, so that it never waits for that.
//
// What it writes there may quote any request that it has had. So it belongs to the request that is
// under way; of what is written while nobody asks, and of all that a program writes which does so,
// nobody can say whose it is, and nobody is told.
//
// Owned by one instance; used by one thread at a time. It is killed, with all that it started, when
// this is destroyed.
class ExecProcess {
 public:
  struct Options {
    std::string name;                                  // of the model, for messages
    std::string worker_program;                        // path of souvenir-worker-exec
    std::string command;                               // for the shell
    std::string directory;                             // to run in
    std::vector<std::string> environment;              // "NAME=value", all of it
    int nice = 0;                                      // 0 to 19, added to the service's own
    std::string greeting;                              // the first message
    absl::Duration start_timeout = absl::Seconds(60);  // until it has answered that
    const Cancellation* cancellation = nullptr;        // of the start; null: none; outlives this
    bool log_errors = false;                           // lines of its standard error are logged
  };

  // How a program ended.
  struct Ending {
    std::string how;           // "exit status 1", "signal 9 (Killed)"
    std::string words;         // the end of what it wrote about the request under way, on one line
    uint64_t error_bytes = 0;  // that it has written since that request began
  };

  // Blocks until it is ready. The program's own reason, or FAILED_PRECONDITION, DEADLINE_EXCEEDED
  // or INTERNAL, with how it ended and what it wrote: it has had no request yet. UNAVAILABLE once
  // it is cancelled.
  static absl::StatusOr<std::unique_ptr<ExecProcess>> Start(const Options& options);

  ~ExecProcess();

  // One message and its answer. UNAVAILABLE where it has ended, DEADLINE_EXCEEDED where it took too
  // long, DATA_LOSS for an answer of an impossible length: it must then be destroyed.
  absl::StatusOr<std::string> Exchange(std::string_view message, absl::Duration timeout);

  // False once it has ended, or says something that nobody asked for.
  bool usable() const { return !channel_.Readable(); }

  // Ends it, with all that it started. One that has closed its end of the channel gets a moment to
  // end by itself, so that its own exit status is what is told.
  Ending End();

  // Of souvenir-worker-exec, the parent of all that the program is.
  pid_t pid() const { return process_.pid(); }

 private:
  ExecProcess(const Options& options, ChildProcess process, MessageChannel channel,
              MessageChannel control, UniqueFd errors);

  void ReadErrors();
  // Takes what is there of the standard error; false at its end.
  bool TakeErrors() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What was written until now is over and done with.
  void ForgetErrors() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LogLines(std::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string name_;
  const bool log_errors_;
  ChildProcess process_;
  MessageChannel channel_;
  MessageChannel control_;  // its end tells souvenir-worker-exec to end the program
  const UniqueFd errors_;
  const UniqueFd ended_;  // readable once the process has ended

  Mutex mutex_;
  std::string tail_ ABSL_GUARDED_BY(mutex_);        // of the standard error, since ForgetErrors()
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;    // bytes of it, since then
  bool in_request_ ABSL_GUARDED_BY(mutex_) = true;  // or starting
  bool had_request_ ABSL_GUARDED_BY(mutex_) = false;
  // It has written while nobody asked: what it writes may be of any request.
  bool writes_at_rest_ ABSL_GUARDED_BY(mutex_) = false;
  std::string line_ ABSL_GUARDED_BY(mutex_);  // begun, to be logged

  std::thread reader_;
};

}  // namespace souvenir::compute
