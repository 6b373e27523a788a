#include "compute-service/backends/exec/exec_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/clock.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "common/thread.h"
#include "compute-service/backends/exec/exec_messages.h"
#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"exec"};
constinit LogLimit left_out_limit;

// Limit of a program's output in a message, and of a line in the log.
constexpr size_t kMostTailBytes = 1000;

// Most bytes of standard error to read at a time, so that a program that writes endlessly blocks
// nobody.
constexpr size_t kMostTakenBytes = 1 << 20;

// Ending a program and all that it started takes a few milliseconds.
constexpr absl::Duration kEndTimeout = absl::Seconds(2);

// An interpreter that has closed its files ends a few milliseconds later.
constexpr absl::Duration kLeaveTimeout = absl::Milliseconds(500);

absl::StatusOr<std::pair<UniqueFd, UniqueFd>> CreatePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
    return absl::ResourceExhaustedError(
        fmt::format("pipe: {}", std::generic_category().message(errno)));
  }
  return std::make_pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

std::string OnOneLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// For a program that has had no request, so that its output cannot contain one.
std::string WholeEnding(const ExecProcess::Ending& ending) {
  if (ending.words.empty()) return ending.how;
  return fmt::format("{}; it wrote: {}", ending.how, ending.words);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExecProcess>> ExecProcess::Start(const Options& options) {
  SOUVENIR_ASSIGN_OR_RETURN(auto ends, MessageChannel::CreateSockets());
  SOUVENIR_ASSIGN_OR_RETURN(auto control, MessageChannel::CreateSockets());
  SOUVENIR_ASSIGN_OR_RETURN(auto errors, CreatePipe());
  SOUVENIR_ASSIGN_OR_RETURN(
      ChildProcess process,
      ChildProcess::Start(
          {.program = options.worker_program,
           .arguments = {std::to_string(ChildProcess::Niceness(options.nice)), options.command},
           .directory = options.directory,
           .environment = options.environment,
           .descriptors = {{ends.second.get(), STDIN_FILENO},
                           {ends.second.get(), STDOUT_FILENO},
                           {errors.second.get(), STDERR_FILENO},
                           {control.second.get(), kControlFd}}}));
  ends.second.Close();  // otherwise their ends would never be seen here
  errors.second.Close();
  control.second.Close();
  std::unique_ptr<ExecProcess> started(
      new ExecProcess(options, std::move(process), MessageChannel(std::move(ends.first)),
                      MessageChannel(std::move(control.first)), std::move(errors.first)));
  started->channel_.set_cancellation(options.cancellation);
  const absl::StatusOr<std::string> ready =
      started->Exchange(options.greeting, options.start_timeout);
  started->channel_.set_cancellation(nullptr);
  if (!ready.ok()) {
    const std::string end = WholeEnding(started->End());
    if (absl::IsCancelled(ready.status())) {
      return absl::UnavailableError(
          fmt::format("`{}` was not ready when its start was cancelled", options.command));
    }
    if (absl::IsDeadlineExceeded(ready.status())) {
      return absl::DeadlineExceededError(
          fmt::format("`{}` was not ready after {} and was killed; {}", options.command,
                      absl::FormatDuration(options.start_timeout), end));
    }
    return absl::InternalError(fmt::format("`{}` is not ready: {}; {}", options.command,
                                           std::string(ready.status().message()), end));
  }
  SOUVENIR_RETURN_IF_ERROR(DecodeExecReady(*ready));
  return started;
}

ExecProcess::ExecProcess(const Options& options, ChildProcess process, MessageChannel channel,
                         MessageChannel control, UniqueFd errors)
    : name_(options.name),
      error_lines_(options.error_lines),
      process_(std::move(process)),
      channel_(std::move(channel)),
      control_(std::move(control)),
      errors_(std::move(errors)),
      ended_(eventfd(0, EFD_CLOEXEC)) {
  reader_ = StartThread("exec-errors", [this] { ReadErrors(); });
}

ExecProcess::~ExecProcess() { (void)End(); }

absl::StatusOr<std::string> ExecProcess::Exchange(std::string_view message,
                                                  absl::Duration timeout) {
  {
    MutexLock lock(&mutex_);
    // The present output was written between requests.
    if (!in_request_) {
      ForgetErrors();
      had_request_ = true;
    }
    in_request_ = true;
  }
  const absl::Duration deadline = Clock::System()->Monotonic() + timeout;
  SOUVENIR_RETURN_IF_ERROR(channel_.Send(message, timeout));
  SOUVENIR_ASSIGN_OR_RETURN(std::string answer,
                            channel_.Receive(deadline - Clock::System()->Monotonic()));
  MutexLock lock(&mutex_);
  ForgetErrors();
  LogLeftOut();
  in_request_ = false;
  return answer;
}

// Reads until all writers have closed the pipe. If a child of the program outlives it, reads until
// the pipe is empty after the program has ended.
void ExecProcess::ReadErrors() {
  for (;;) {
    pollfd waited[] = {{errors_.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}};
    if (poll(waited, 2, -1) < 0) continue;
    if (waited[0].revents == 0) return;
    MutexLock lock(&mutex_);
    if (!TakeErrors()) return;
  }
}

bool ExecProcess::TakeErrors() {
  std::array<char, 4096> buffer;
  for (size_t taken = 0; taken < kMostTakenBytes;) {
    const ssize_t size = read(errors_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (size == 0) return false;
    taken += static_cast<size_t>(size);
    written_ += static_cast<uint64_t>(size);
    writes_at_rest_ |= had_request_ && !in_request_;
    const std::string_view bytes(buffer.data(), static_cast<size_t>(size));
    tail_.append(bytes);
    if (tail_.size() > kMostTailBytes) tail_.erase(0, tail_.size() - kMostTailBytes);
    if (error_lines_ != nullptr) LogLines(bytes);
  }
  return true;
}

void ExecProcess::ForgetErrors() {
  (void)TakeErrors();
  tail_.clear();
  written_ = 0;
}

void ExecProcess::LogLines(std::string_view bytes) {
  for (const char byte : bytes) {
    if (byte != '\n' && line_.size() < kMostTailBytes) line_.push_back(byte);
    if (byte == '\n' && !line_.empty()) LogLine();
  }
}

void ExecProcess::LogLine() {
  uint64_t of_others = 0;
  if (!error_lines_->Allows(&of_others)) {
    ++left_out_;
    last_left_out_.swap(line_);
  } else if (left_out_ == 0) {
    log.Info("a program wrote", {{"model", name_}, {"line", line_}});
  } else {
    log.Info("a program wrote", {{"model", name_}, {"line", line_}, {"left_out", left_out_}});
    left_out_ = 0;
  }
  line_.clear();
}

void ExecProcess::LogLeftOut() {
  if (left_out_ == 0) return;
  log.Info(left_out_limit, "lines that a program wrote were left out",
           {{"model", name_}, {"lines", left_out_}, {"last", last_left_out_}});
  left_out_ = 0;
}

ExecProcess::Ending ExecProcess::End() {
  // Python closes its files before it ends. A kill now would replace the exit status.
  if (control_.open() && channel_.open() && channel_.PeerHasClosed()) {
    (void)control_.Receive(kLeaveTimeout);
  }
  channel_.Close();
  control_.FinishSending();
  // The other end closes once the program and all that it started have ended.
  if (control_.open()) (void)control_.Receive(kEndTimeout);
  control_.Close();
  Ending ending{.how = process_.Reap()};
  (void)eventfd_write(ended_.get(), 1);
  if (reader_.joinable()) reader_.join();
  MutexLock lock(&mutex_);
  if (!line_.empty()) LogLine();  // it has no line feed
  LogLeftOut();
  ending.error_bytes = written_;
  if (in_request_ && !writes_at_rest_) ending.words = OnOneLine(tail_);
  return ending;
}

}  // namespace souvenir::compute
