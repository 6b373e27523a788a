#include "compute-service/backends/apertium/worker/warm_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/read_file.h"
#include "common/status_macros.h"
#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {
namespace {

constexpr int kCannotRun = 127;  // exit status of a shell that cannot run a program

// The programs read their input as UTF-8 only in a UTF-8 locale.
char kLocale[] = "LC_ALL=C.UTF-8";
char* const kEnvironment[] = {kLocale, nullptr};

std::string ErrorText(int error) { return std::generic_category().message(error); }

bool Interrupted() { return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK; }

// Returns true if there are bytes to read or the peer has closed.
bool Readable(int fd) {
  pollfd waited{fd, POLLIN, 0};
  return poll(&waited, 1, 0) != 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WarmProgram>> WarmProgram::Create(Options options) {
  std::unique_ptr<WarmProgram> program(new WarmProgram(std::move(options)));
  for (const std::string& file : program->options_.files) {
    SOUVENIR_ASSIGN_OR_RETURN(UniqueFd fd, OpenRegularFile(file));
    program->files_.push_back(std::move(fd));
  }
  program->stamps_ = program->Stamps();
  return program;
}

std::vector<std::optional<FileStamp>> WarmProgram::Stamps() const {
  std::vector<std::optional<FileStamp>> stamps = {StampOf(options_.path)};
  for (const UniqueFd& file : files_) {
    std::optional<FileStamp> stamp = StampOf(file.get());
    if (stamp) stamp->changed_ns = 0;  // changes when another file takes the name
    stamps.push_back(stamp);
  }
  return stamps;
}

absl::StatusOr<std::string> WarmProgram::Exchange(std::string_view text) {
  // A program that owes no answer must be silent. If it is readable, it has died or is out of step.
  if (pid_ != 0 && Readable(socket_.get())) Stop();
  const bool starts = pid_ == 0;
  if (starts) SOUVENIR_RETURN_IF_ERROR(Start());
  std::string answer;
  char buffer[1 << 16];
  // A program writes while it reads. Sending and receiving alternate without blocking, so that
  // neither side waits for the other.
  while (true) {
    const short sending = text.empty() ? 0 : POLLOUT;
    pollfd waited{socket_.get(), static_cast<short>(POLLIN | sending), 0};
    if (poll(&waited, 1, -1) < 0) continue;
    if ((waited.revents & POLLOUT) != 0 && !text.empty()) {
      const ssize_t sent =
          send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) text.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && !Interrupted()) return Lost("it stopped reading");
    }
    if ((waited.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    const ssize_t received = recv(socket_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (received < 0 && Interrupted()) continue;
    if (received <= 0) return Lost("it ended without an answer");
    const std::string_view written(buffer, static_cast<size_t>(received));
    answer.append(written);
    if (answer.size() > options_.max_answer_bytes) {
      return Lost(fmt::format("its answer is longer than {} bytes", options_.max_answer_bytes));
    }
    if (const size_t end = written.find('\0'); end != std::string_view::npos) {
      if (end + 1 < written.size() || !text.empty()) return Lost("it wrote more than an answer");
      // Checked after the start, when the program has read everything.
      if (starts && Stamps() != stamps_) {
        return Lost("its files have changed since the model was loaded");
      }
      return answer;
    }
  }
}

absl::Status WarmProgram::Start() {
  std::vector<std::string> arguments = {options_.path};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  for (const UniqueFd& file : files_) {
    arguments.push_back(fmt::format("/proc/self/fd/{}", file.get()));
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::UnavailableError(fmt::format("socketpair: {}", ErrorText(errno)));
  }
  UniqueFd ours(ends[0]);
  const UniqueFd its(ends[1]);
  // posix_spawn cannot set PR_SET_PDEATHSIG, hence fork.
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::UnavailableError(fmt::format("fork: {}", ErrorText(errno)));
  if (pid == 0) Execute(parent, its.get(), pointers.data());
  pid_ = pid;
  socket_ = std::move(ours);
  return absl::OkStatus();
}

void WarmProgram::Execute(pid_t parent, int socket, char* const* arguments) const {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);  // the parent died before the prctl
  (void)signal(SIGPIPE, SIG_DFL);     // ignored in worker programs, which exec would keep
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)dup2(socket, STDIN_FILENO);
  (void)dup2(socket, STDOUT_FILENO);
  (void)close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
  for (const UniqueFd& file : files_) (void)fcntl(file.get(), F_SETFD, 0);
  (void)execve(arguments[0], arguments, kEnvironment);
  _exit(kCannotRun);
}

std::string WarmProgram::Stop() {
  if (pid_ == 0) return "ended before";
  int status = 0;
  pid_t reaped;
  // The signal does not change the exit status of a program that has already ended. It must come
  // before the socket is closed, because at the end of its input the program might exit by itself.
  (void)kill(pid_, SIGKILL);
  socket_.Close();
  do {
    reaped = waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  pid_ = 0;
  return reaped < 0 ? "unknown end" : DescribeExit(status);
}

absl::Status WarmProgram::Lost(std::string_view what) {
  return absl::UnavailableError(fmt::format("{} {} was given up: {} ({})", options_.path,
                                            fmt::join(options_.files, " "), what, Stop()));
}

}  // namespace souvenir::compute
