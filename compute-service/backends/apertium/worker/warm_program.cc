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

constexpr int kCannotRun = 127;  // a shell's exit status for it

// What the programs need to take their input for UTF-8.
char kLocale[] = "LC_ALL=C.UTF-8";
char* const kEnvironment[] = {kLocale, nullptr};

std::string ErrorText(int error) { return std::generic_category().message(error); }

bool Interrupted() { return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK; }

// True where there is something to read, or the end.
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
  return program;
}

absl::StatusOr<std::string> WarmProgram::Exchange(std::string_view text) {
  // Nothing can have come that was asked for: it died at rest, or talks out of turn.
  if (pid_ != 0 && Readable(socket_.get())) Stop();
  if (pid_ == 0) SOUVENIR_RETURN_IF_ERROR(Start());
  std::string answer;
  char buffer[1 << 16];
  // Neither side may wait for the other to read: a program writes while it reads.
  while (true) {
    const short sending = text.empty() ? 0 : POLLOUT;
    pollfd waited{socket_.get(), static_cast<short>(POLLIN | sending), 0};
    if (poll(&waited, 1, -1) < 0) continue;
    if ((waited.revents & POLLOUT) != 0 && !text.empty()) {
      const ssize_t sent =
          send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) text.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && !Interrupted()) return Lost("it reads no more");
    }
    if ((waited.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    const ssize_t received = recv(socket_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (received < 0 && Interrupted()) continue;
    if (received <= 0) return Lost("it left a text without an answer");
    const std::string_view written(buffer, static_cast<size_t>(received));
    answer.append(written);
    if (answer.size() > options_.max_answer_bytes) {
      return Lost(fmt::format("its answer is above {} bytes", options_.max_answer_bytes));
    }
    if (const size_t end = written.find('\0'); end != std::string_view::npos) {
      if (end + 1 < written.size() || !text.empty()) return Lost("it wrote more than an answer");
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
  // Not posix_spawn, which cannot ask for the signal at a parent's death.
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
  if (getppid() != parent) _exit(0);  // it died before the line above
  (void)signal(SIGPIPE, SIG_DFL);     // worker programs ignore it
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
  // One that has ended keeps its own end in spite of the signal. Before its input ends, at which it
  // might end by itself, sooner or later.
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
