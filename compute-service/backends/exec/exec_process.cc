#include "compute-service/backends/exec/exec_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/clock.h"
#include "common/status_macros.h"
#include "common/thread.h"
#include "compute-service/backends/exec/exec_messages.h"

namespace souvenir::compute {
namespace {

constexpr size_t kMostTailBytes = 1000;

absl::StatusOr<std::pair<UniqueFd, UniqueFd>> CreatePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(
        fmt::format("pipe: {}", std::generic_category().message(errno)));
  }
  return std::make_pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExecProcess>> ExecProcess::Start(const Options& options) {
  SOUVENIR_ASSIGN_OR_RETURN(auto ends, MessageChannel::CreateSockets());
  SOUVENIR_ASSIGN_OR_RETURN(auto errors, CreatePipe());
  SOUVENIR_ASSIGN_OR_RETURN(
      ChildProcess process,
      ChildProcess::Start({.program = "/bin/sh",
                           // In its place, so that the process is the program and not the shell.
                           .arguments = {"-c", "exec " + options.command},
                           .directory = options.directory,
                           .environment = options.environment,
                           .nice = options.nice,
                           .descriptors = {{ends.second.get(), STDIN_FILENO},
                                           {ends.second.get(), STDOUT_FILENO},
                                           {errors.second.get(), STDERR_FILENO}}}));
  ends.second.Close();  // or their ends would never be read here
  errors.second.Close();
  std::unique_ptr<ExecProcess> started(new ExecProcess(
      std::move(process), MessageChannel(std::move(ends.first)), std::move(errors.first)));
  const absl::StatusOr<std::string> ready =
      started->Exchange(options.greeting, options.start_timeout);
  if (!ready.ok()) {
    const std::string end = started->End();
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

ExecProcess::ExecProcess(ChildProcess process, MessageChannel channel, UniqueFd errors)
    : process_(std::move(process)),
      channel_(std::move(channel)),
      errors_(std::move(errors)),
      ended_(eventfd(0, EFD_CLOEXEC)) {
  reader_ = StartThread("exec-errors", [this] { ReadErrors(); });
}

ExecProcess::~ExecProcess() { End(); }

absl::StatusOr<std::string> ExecProcess::Exchange(std::string_view message,
                                                  absl::Duration timeout) {
  const absl::Duration deadline = Clock::System()->Monotonic() + timeout;
  SOUVENIR_RETURN_IF_ERROR(channel_.Send(message, timeout));
  return channel_.Receive(deadline - Clock::System()->Monotonic());
}

// Until nobody has the other end any more or, where something that the program started outlives it,
// until all is read that is there when it has ended.
void ExecProcess::ReadErrors() {
  std::array<char, 4096> buffer;
  for (;;) {
    pollfd waited[] = {{errors_.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}};
    if (poll(waited, 2, -1) < 0) continue;
    if (waited[0].revents == 0) return;
    const ssize_t size = read(errors_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    MutexLock lock(&mutex_);
    tail_.append(buffer.data(), static_cast<size_t>(size));
    if (tail_.size() > kMostTailBytes) tail_.erase(0, tail_.size() - kMostTailBytes);
  }
}

std::string ExecProcess::LastErrors() const {
  MutexLock lock(&mutex_);
  std::string text = tail_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string ExecProcess::End() {
  channel_.Close();
  const std::string end = process_.Reap();
  (void)eventfd_write(ended_.get(), 1);
  if (reader_.joinable()) reader_.join();
  const std::string errors = LastErrors();
  return errors.empty() ? end : fmt::format("{}; it wrote: {}", end, errors);
}

}  // namespace souvenir::compute
