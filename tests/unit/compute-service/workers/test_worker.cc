// A worker program whose model does what its argument and its requests tell it, good and bad.
//
//   argument: ok | fail | throw | exit | crash | hang | chatter   how loading goes
//   request:  echo:<text> | size:<n> | pid | host | served | nice | signals | descriptors | group |
//             daemon | faults | refuse | throw | exit | crash | hang | garbage

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "compute-service/workers/worker_program.h"

namespace souvenir::compute {
namespace {

int served = 0;
std::string filled;

[[noreturn]] void Hang() {
  while (true) pause();
}

[[noreturn]] void Crash() {
  (void)raise(SIGKILL);
  abort();
}

absl::Status Load(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  if (how == "fail") return absl::NotFoundError("the model is not there");
  if (how == "throw") throw std::runtime_error("bad model");
  if (how == "exit") {
    (void)fprintf(stderr, "Error: cannot read\nthe model\n");
    exit(7);
  }
  if (how == "crash") Crash();
  if (how == "hang") Hang();
  if (how == "chatter") {
    for (int i = 0; i < 100'000; ++i) (void)fprintf(stderr, "still loading\n");
  }
  return absl::OkStatus();
}

std::string Descriptors() {
  std::string list;
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) list += std::to_string(fd) + " ";
  }
  return list;
}

std::string Signals() {
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  for (int signal = 1; signal < 32; ++signal) {
    if (sigismember(&mask, signal) == 1) return "blocked " + std::to_string(signal);
  }
  struct sigaction action;
  sigaction(SIGTERM, nullptr, &action);
  return action.sa_handler == SIG_DFL ? "default" : "changed";
}

// Fills and frees 4 MB, like a run of a model, and returns the number of page faults.
std::string Faults() {
  const auto count = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  const auto before = count();
  for (size_t size = 4096; size <= 2 << 20; size *= 2) std::string(size, 'x').swap(filled);
  filled = {};
  return std::to_string(count() - before);
}

// Writes an invalid answer to every socket.
[[noreturn]] void SendGarbage() {
  const std::string garbage("\x05\x00\x00\x00hello", 9);
  for (int fd = 3; fd < 64; ++fd) (void)send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL);
  Hang();
}

// Returns the pid of a process in a session of its own, whose parent has ended.
std::string StartDaemon() {
  int ends[2];
  if (pipe(ends) != 0) return "";
  const pid_t parent = fork();
  if (parent == 0) {
    (void)setsid();
    const pid_t daemon = fork();
    if (daemon == 0) Hang();
    (void)!write(ends[1], &daemon, sizeof(daemon));
    _exit(0);
  }
  (void)waitpid(parent, nullptr, 0);
  pid_t daemon = 0;
  (void)!read(ends[0], &daemon, sizeof(daemon));
  close(ends[0]);
  close(ends[1]);
  return std::to_string(daemon);
}

absl::StatusOr<std::string> Serve(std::string_view request) {
  ++served;
  if (request.starts_with("echo:")) return std::string(request.substr(5));
  if (request.starts_with("size:")) {
    return std::string(std::stoul(std::string(request.substr(5))), 'x');
  }
  if (request == "pid") return std::to_string(getpid());
  if (request == "host") return std::to_string(getppid());
  if (request == "served") return std::to_string(served);
  if (request == "nice") return std::to_string(getpriority(PRIO_PROCESS, 0));
  if (request == "signals") return Signals();
  if (request == "descriptors") return Descriptors();
  if (request == "group") return std::to_string(getpgrp());
  if (request == "daemon") return StartDaemon();
  if (request == "faults") return Faults();
  if (request == "refuse") return absl::InvalidArgumentError("not such a request");
  if (request == "throw") throw std::runtime_error("bad request");
  if (request == "exit") exit(5);
  if (request == "crash") Crash();
  if (request == "hang") Hang();
  if (request == "garbage") SendGarbage();
  return absl::UnimplementedError("unknown request");
}

}  // namespace
}  // namespace souvenir::compute

int main(int argc, char** argv) {
  return souvenir::compute::RunWorkerHost(argc, argv, souvenir::compute::Load,
                                          souvenir::compute::Serve);
}
