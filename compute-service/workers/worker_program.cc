#include "compute-service/workers/worker_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "compute-service/workers/message_channel.h"
#include "compute-service/workers/process_tree.h"
#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {
namespace {

constexpr absl::Duration kForEver = absl::InfiniteDuration();

using Serve = std::function<absl::StatusOr<std::string>(std::string_view)>;

// While the model loads, nobody reads the control channel, and the service may die. The end of the
// channel then raises SIGIO, which ends the process, so that a hanging load does not outlive the
// service. (The signal for a parent's death is of no use here, because it comes when the thread
// that spawned this process ends.)
void EndWithService(bool enable) {
  const int flags = fcntl(kControlFd, F_GETFL);
  if (enable) (void)fcntl(kControlFd, F_SETOWN, getpid());
  (void)fcntl(kControlFd, F_SETFL, enable ? flags | O_ASYNC : flags & ~O_ASYNC);
  pollfd channel{kControlFd, 0, 0};
  if (poll(&channel, 1, 0) > 0 && (channel.revents & POLLHUP) != 0) _exit(0);
}

void DropOutput() {
  (void)fflush(nullptr);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  (void)dup2(null, STDOUT_FILENO);
  (void)dup2(null, STDERR_FILENO);
  close(null);
}

absl::Status Load(int argc, char** argv, const std::function<absl::Status(int, char**)>& load) {
  try {
    return load(argc, argv);
  } catch (const std::exception& error) {
    return absl::InternalError(fmt::format("loading threw: {}", error.what()));
  } catch (...) {
    return absl::InternalError("loading threw something that is not a std::exception");
  }
}

WorkerAnswer Answer(const Serve& serve, std::string_view request) {
  WorkerAnswer answer;
  const absl::Duration begin = Clock::System()->Monotonic();
  try {
    absl::StatusOr<std::string> served = serve(request);
    answer.status = served.status();
    if (served.ok()) answer.payload = *std::move(served);
  } catch (const std::exception& error) {
    answer.status = absl::InternalError(fmt::format("the engine threw: {}", error.what()));
    answer.retire = true;
  } catch (...) {
    answer.status = absl::InternalError("the engine threw something that is not a std::exception");
    answer.retire = true;
  }
  answer.compute_time = Clock::System()->Monotonic() - begin;
  return answer;
}

// Freed memory up to this size is kept for the next request. Otherwise glibc gives the end of its
// heap back to the kernel after each request, and every page is zeroed and faulted in again: a
// hundred faults, 0.4 ms of the kernel's time, for a run of 1 ms. Other allocators ignore the
// setting.
constexpr int kKeptBytes = 16 << 20;

void KeepFreedMemory() {
  (void)mallopt(M_TRIM_THRESHOLD, kKeptBytes);  // NOLINT(concurrency-mt-unsafe): no thread yet
  (void)mallopt(M_MMAP_THRESHOLD, kKeptBytes);  // NOLINT(concurrency-mt-unsafe): the same
}

// Serves the requests of one message. Returns false if the service has gone.
bool ServeAll(std::string_view message, const Serve& serve, MessageChannel* channel) {
  const absl::StatusOr<std::vector<std::string_view>> requests = DecodeRequests(message);
  if (!requests.ok()) {
    return channel->Send(EncodeAnswer({.status = requests.status()}), kForEver).ok();
  }
  for (const std::string_view request : *requests) {
    const WorkerAnswer answer = Answer(serve, request);
    if (!channel->Send(EncodeAnswer(answer), kForEver).ok()) return false;
    if (!answer.status.ok() || answer.retire) break;  // the service expects no more
  }
  return true;
}

[[noreturn]] void RunWorker(MessageChannel channel, const Serve& serve) {
  KeepFreedMemory();
  while (true) {
    const absl::StatusOr<std::string> message = channel.Receive(kForEver);
    if (!message.ok() || !ServeAll(*message, serve, &channel)) _exit(0);
  }
}

// The host after loading: runs the commands of the service and reaps workers that end.
class Host {
 public:
  explicit Host(const Serve& serve) : serve_(serve), control_(UniqueFd(kControlFd)) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    (void)pthread_sigmask(SIG_BLOCK, &child, nullptr);
    ended_ = UniqueFd(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  bool Reply(const HostReply& reply) { return control_.Send(EncodeReply(reply), kForEver).ok(); }

  [[noreturn]] void Run() {
    while (true) {
      pollfd waited[] = {{control_.fd(), POLLIN, 0}, {ended_.get(), POLLIN, 0}};
      if (poll(waited, 2, -1) < 0) continue;
      if (waited[1].revents != 0) ReapAll();
      if (waited[0].revents != 0 && !Obey()) Finish();
    }
  }

 private:
  // Returns false if the service has gone.
  bool Obey() {
    UniqueFd socket;
    const absl::StatusOr<std::string> message = control_.Receive(kForEver, &socket);
    if (!message.ok()) return false;
    const absl::StatusOr<HostCommand> command = DecodeCommand(*message);
    if (!command.ok()) return Reply({command.status(), ""});
    if (command->kind == HostCommand::Kind::kEnd) return Reply({{}, End(command->worker)});
    if (!socket) return Reply({absl::DataLossError("no socket came for the worker"), ""});
    return Reply({Fork(command->worker, std::move(socket)), ""});
  }

  absl::Status Fork(uint64_t number, UniqueFd socket) {
    const pid_t host = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
      return absl::ResourceExhaustedError(
          fmt::format("fork: {}", std::generic_category().message(errno)));
    }
    if (pid > 0) {
      running_[pid] = number;
      return absl::OkStatus();
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != host) _exit(0);  // the host died before prctl()
    control_.Close();
    ended_.Close();
    sigset_t none;
    sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, nullptr);
    RunWorker(MessageChannel(std::move(socket), MessageChannel::kDefaultLimit +
                                                    static_cast<uint32_t>(kRequestLengthBytes)),
              serve_);
  }

  // Reaps ended workers, and keeps how they ended until the service asks.
  void ReapAll() {
    signalfd_siginfo info;
    while (read(ended_.get(), &info, sizeof(info)) > 0) {
    }
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      Ended(pid, status);
    }
    // Orphans may hold the socket on which the service waits for the worker.
    EndOrphans();
  }

  // Ends the children of ended workers; this process has become their parent.
  void EndOrphans() {
    EndChildren([this](pid_t child) { return running_.contains(child); },
                [this](pid_t pid, int status) { Ended(pid, status); });
  }

  void Ended(pid_t pid, int status) {
    const auto found = running_.find(pid);
    if (found == running_.end()) return;
    ends_[found->second] = DescribeExit(status);
    running_.erase(found);
  }

  std::string End(uint64_t number) {
    for (const auto& [pid, running] : running_) {
      if (running != number) continue;
      Kill(pid);
      break;
    }
    EndOrphans();
    const auto end = ends_.extract(number);
    return end.empty() ? "unknown" : end.mapped();
  }

  // REQUIRES: `pid` is a worker that is not reaped yet.
  void Kill(pid_t pid) {
    int status = 0;
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    Ended(pid, status);
  }

  // Ends all children, so that no process is left for others to reap.
  [[noreturn]] void Finish() {
    while (!running_.empty()) Kill(running_.begin()->first);
    EndChildren([](pid_t) { return false; }, [](pid_t, int) {});
    _exit(0);
  }

  const Serve& serve_;
  MessageChannel control_;
  UniqueFd ended_;                        // readable when a worker has ended
  std::map<pid_t, uint64_t> running_;     // the number of each worker
  std::map<uint64_t, std::string> ends_;  // the ends of workers, until the service asks
};

}  // namespace

int RunWorkerHost(int argc, char** argv, const std::function<absl::Status(int, char**)>& load,
                  const Serve& serve) {
  struct stat channel;
  if (fstat(kControlFd, &channel) != 0 || !S_ISSOCK(channel.st_mode)) {
    (void)fprintf(stderr, "%s is started by souvenir-compute, with a socket as descriptor %d\n",
                  argv[0], kControlFd);
    return 2;
  }
  (void)signal(SIGPIPE, SIG_IGN);
  (void)fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  AdoptOrphans();
  EndWithService(true);
  const absl::Status loaded = Load(argc, argv, load);
  EndWithService(false);
  if (loaded.ok()) DropOutput();
  Host host(serve);
  if (!host.Reply({loaded, ""}) || !loaded.ok()) return 1;
  host.Run();
}

}  // namespace souvenir::compute
