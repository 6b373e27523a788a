#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "compute-service/workers/child_process.h"
#include "compute-service/workers/message_channel.h"

namespace souvenir::compute {

// A program that answers messages on its standard input with messages on its standard output. What
// it writes to its standard error is read all the time, so that it never waits for that, and the
// end of it is kept for messages.
//
// Owned by one instance; used by one thread at a time. It is killed, with all that it started, when
// this is destroyed.
class ExecProcess {
 public:
  struct Options {
    std::string name;                                  // of the model, for messages
    std::string command;                               // for the shell
    std::string directory;                             // to run in
    std::vector<std::string> environment;              // "NAME=value", beside the service's own
    int nice = 0;                                      // 0 to 19, added to the service's own
    std::string greeting;                              // the first message
    absl::Duration start_timeout = absl::Seconds(60);  // until it has answered that
  };

  // Blocks until it is ready. The program's own reason, or FAILED_PRECONDITION, DEADLINE_EXCEEDED
  // or INTERNAL, with how it ended and what it wrote.
  static absl::StatusOr<std::unique_ptr<ExecProcess>> Start(const Options& options);

  ~ExecProcess();

  // One message and its answer. UNAVAILABLE where it has ended, DEADLINE_EXCEEDED where it took too
  // long, DATA_LOSS for an answer of an impossible length: it must then be destroyed.
  absl::StatusOr<std::string> Exchange(std::string_view message, absl::Duration timeout);

  // False once it has ended, or says something that nobody asked for.
  bool usable() const { return !channel_.Readable(); }

  // Ends it. How it ended and what it wrote last, for a message.
  std::string End();

  pid_t pid() const { return process_.pid(); }

 private:
  ExecProcess(ChildProcess process, MessageChannel channel, UniqueFd errors);

  void ReadErrors();
  std::string LastErrors() const;

  ChildProcess process_;
  MessageChannel channel_;
  const UniqueFd errors_;
  const UniqueFd ended_;  // readable once the process has ended
  mutable Mutex mutex_;
  std::string tail_ ABSL_GUARDED_BY(mutex_);  // of the standard error
  std::thread reader_;
};

}  // namespace souvenir::compute
