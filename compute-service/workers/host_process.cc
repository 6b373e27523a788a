#include "compute-service/workers/host_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "common/status_macros.h"
#include "compute-service/workers/child_environment.h"

namespace souvenir::compute {
namespace {

// Bytes of its output that a process can contribute to an error message if it ends while it loads.
// The file is sealed at this size, so that more output fails instead of filling memory.
constexpr size_t kOutputBytes = 4096;

// A host answers a command in a few milliseconds. Forking a big host on a loaded machine takes
// longer.
constexpr absl::Duration kCommandTimeout = absl::Seconds(20);
constexpr absl::Duration kStopTimeout = absl::Seconds(2);

std::string ErrorText(int error) { return std::generic_category().message(error); }

// Creates a file in memory for the standard output and error of a process.
absl::StatusOr<UniqueFd> CreateOutputFile() {
  UniqueFd file(memfd_create("worker-output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || ftruncate(file.get(), kOutputBytes) != 0 ||
      fcntl(file.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
    return absl::InternalError(fmt::format("memfd_create: {}", ErrorText(errno)));
  }
  return file;
}

// Returns the output as one line.
std::string ReadOutput(const UniqueFd& file) {
  std::string text(kOutputBytes, '\0');
  const ssize_t size = pread(file.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  if (const size_t end = text.find('\0'); end != std::string::npos) text.resize(end);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HostProcess>> HostProcess::Start(const Options& options) {
  SOUVENIR_ASSIGN_OR_RETURN(auto ends, MessageChannel::CreateSockets());
  SOUVENIR_ASSIGN_OR_RETURN(const UniqueFd output, CreateOutputFile());
  SOUVENIR_ASSIGN_OR_RETURN(
      ChildProcess process,
      ChildProcess::Start({.program = options.program,
                           .arguments = options.arguments,
                           .environment = ChildEnvironment({}, {}, environ),
                           .nice = options.nice,
                           .descriptors = {{output.get(), STDOUT_FILENO},
                                           {output.get(), STDERR_FILENO},
                                           {ends.second.get(), kControlFd}}}));
  ends.second.Close();  // otherwise its end would never be seen here
  std::unique_ptr<HostProcess> host(
      new HostProcess(std::move(process), MessageChannel(std::move(ends.first))));
  host->channel_.set_cancellation(options.cancellation);
  const absl::StatusOr<std::string> message = host->channel_.Receive(options.start_timeout);
  host->channel_.set_cancellation(nullptr);
  if (!message.ok()) {
    const std::string end = host->process_.Reap();
    const std::string said = ReadOutput(output);
    const std::string text = said.empty() ? "" : fmt::format("; it wrote: {}", said);
    if (absl::IsCancelled(message.status())) {
      return absl::UnavailableError(
          fmt::format("{} was still loading when its start was cancelled", options.program));
    }
    if (absl::IsDeadlineExceeded(message.status())) {
      return absl::DeadlineExceededError(
          fmt::format("{} was still loading after {} and was killed{}", options.program,
                      absl::FormatDuration(options.start_timeout), text));
    }
    return absl::InternalError(
        fmt::format("{} ended while loading: {}{}", options.program, end, text));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const HostReply reply, DecodeReply(*message));
  SOUVENIR_RETURN_IF_ERROR(reply.status);
  return host;
}

HostProcess::~HostProcess() {
  if (process_.reaped()) return;
  channel_.FinishSending();
  // The host closes its end of the channel when it has ended its workers. Late replies to commands
  // may come before.
  while (channel_.Receive(kStopTimeout).ok()) {
  }
}

absl::StatusOr<std::string> HostProcess::Execute(const HostCommand& command, int pass) {
  absl::StatusOr<std::string> message = Exchange(EncodeCommand(command), pass);
  if (!message.ok()) {
    return absl::UnavailableError(fmt::format("the host process is lost ({}: {})", process_.Reap(),
                                              message.status().ToString()));
  }
  SOUVENIR_ASSIGN_OR_RETURN(HostReply reply, DecodeReply(*message));
  SOUVENIR_RETURN_IF_ERROR(reply.status);
  return std::move(reply.text);
}

absl::StatusOr<std::string> HostProcess::Exchange(std::string_view command, int pass) {
  SOUVENIR_RETURN_IF_ERROR(channel_.Send(command, kCommandTimeout, pass));
  return channel_.Receive(kCommandTimeout);
}

}  // namespace souvenir::compute
