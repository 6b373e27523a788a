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
#include "common/logging/log_limit.h"
#include "common/mutex.h"
#include "compute-service/workers/child_process.h"
#include "compute-service/workers/message_channel.h"

namespace souvenir::compute {

// A program that answers messages on its standard input with messages on its standard output. It
// runs below the program souvenir-worker-exec, which also ends everything that the program has
// started. Its standard error is read all the time, so that it never blocks on that.
//
// The standard error may quote any request that the program has had. Output during a request is
// therefore told only to the caller of that request. If the program ever writes between requests,
// its output may belong to any request, and is told to nobody. (Only error_lines logs it.)
//
// Owned by one instance; used by one thread at a time. The destructor kills the program, with all
// that it started.
class ExecProcess {
 public:
  struct Options {
    std::string name;                                  // name of the model, for messages
    std::string worker_program;                        // path of souvenir-worker-exec
    std::string command;                               // for the shell
    std::string directory;                             // working directory
    std::vector<std::string> environment;              // complete, as "NAME=value"
    int nice = 0;                                      // 0 to 19, added to the service's own
    std::string greeting;                              // the first message
    absl::Duration start_timeout = absl::Seconds(60);  // limit until that is answered
    const Cancellation* cancellation = nullptr;  // cancels the start; null for none; outlives this
    // Limit of the lines of its standard error that are logged; null to log none. Processes of one
    // model share it, because a caller may end any number of them.
    std::shared_ptr<LogLimit> error_lines;
  };

  // The end of a program.
  struct Ending {
    std::string how;           // "exit status 1", "signal 9 (Killed)"
    std::string words;         // last output during the request under way or the start, on one line
    uint64_t error_bytes = 0;  // bytes written since that request or the start began
  };

  // Starts the program, and blocks until it is ready. Errors: the program's own reason;
  // FAILED_PRECONDITION, DEADLINE_EXCEEDED or INTERNAL, with how it ended and its output, which is
  // safe because it has had no request; UNAVAILABLE if the start is cancelled.
  static absl::StatusOr<std::unique_ptr<ExecProcess>> Start(const Options& options);

  ~ExecProcess();

  // Sends a message and returns the answer. UNAVAILABLE if the program has ended, DEADLINE_EXCEEDED
  // if it takes too long, DATA_LOSS if the answer has an impossible length. The program must then
  // be destroyed.
  absl::StatusOr<std::string> Exchange(std::string_view message, absl::Duration timeout);

  // Returns false once the program has ended, or has sent an unexpected message.
  bool usable() const { return !channel_.Readable(); }

  // Ends the program, with all that it started. If it has closed its end of the channel, it gets a
  // moment to end by itself, so that its own exit status is reported.
  Ending End();

  // Returns the pid of souvenir-worker-exec, the parent of all processes of the program.
  pid_t pid() const { return process_.pid(); }

 private:
  ExecProcess(const Options& options, ChildProcess process, MessageChannel channel,
              MessageChannel control, UniqueFd errors);

  void ReadErrors();
  // Reads the available standard error. Returns false at its end.
  bool TakeErrors() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets all output until now.
  void ForgetErrors() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LogLines(std::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LogLine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Logs how many lines were left out, with the last of them, if there were any.
  void LogLeftOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string name_;
  const std::shared_ptr<LogLimit> error_lines_;  // null to log none
  ChildProcess process_;
  MessageChannel channel_;
  MessageChannel control_;  // closing it makes souvenir-worker-exec end the program
  const UniqueFd errors_;
  const UniqueFd ended_;  // readable once the process has ended

  Mutex mutex_;
  std::string tail_ ABSL_GUARDED_BY(mutex_);      // end of the standard error since ForgetErrors()
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;  // bytes of standard error since then
  bool in_request_ ABSL_GUARDED_BY(mutex_) = true;  // during a request or the start
  bool had_request_ ABSL_GUARDED_BY(mutex_) = false;
  // True if it has ever written between requests; its output may then belong to any request.
  bool writes_at_rest_ ABSL_GUARDED_BY(mutex_) = false;
  std::string line_ ABSL_GUARDED_BY(mutex_);           // the line to log, while it is incomplete
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;      // lines left out since one was logged
  std::string last_left_out_ ABSL_GUARDED_BY(mutex_);  // the last of them

  std::thread reader_;
};

}  // namespace souvenir::compute
