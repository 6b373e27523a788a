// souvenir-worker-exec NICE COMMAND: runs a program of an exec model, and ends it with all that it
// has started, even processes in a session of their own. souvenir-compute starts it.
//
// The program inherits standard input, output and error. When the other end of the control socket
// closes, because the service wants that or has died, this process ends the program. It ends in the
// same way as the program, once no process of the program is left.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "common/version/about_program.h"
#include "compute-service/workers/process_tree.h"
#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {
namespace {

constexpr int kCannotRun = 127;  // exit status of a shell that cannot run a program

// Ignored, because the service decides which processes a stop ends.
constexpr int kIgnored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

[[noreturn]] void RunProgram(const std::string& command, pid_t parent) {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotRun);  // the parent died before prctl()
  // Protects this program's parent from signals that the program sends to its group.
  (void)setpgid(0, 0);
  for (const int ignored : kIgnored) (void)signal(ignored, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  // exec replaces the shell, so that the process is the program itself.
  const std::string line = "exec " + command;
  (void)execl("/bin/sh", "/bin/sh", "-c", line.c_str(), nullptr);
  _exit(kCannotRun);
}

// Closes this process's copies, so that the channel and the pipe of standard error end with the
// program and its children.
void LetGoOfStandardFiles() {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    (void)dup2(null, standard);
  close(null);
}

// Ends this process with the exit status or the signal of `wait_status`.
[[noreturn]] void EndAs(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const rlimit none{0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    const int number = WTERMSIG(wait_status);
    (void)signal(number, SIG_DFL);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, number);
    (void)sigprocmask(SIG_UNBLOCK, &mask, nullptr);
    (void)raise(number);
  }
  _exit(WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : kCannotRun);
}

class Supervisor {
 public:
  Supervisor(pid_t program, int ended) : program_(program), ended_(ended) {}

  // Waits until the program has ended, or has to be ended. Returns its wait status.
  int Run() {
    while (!over_) {
      // Only the end of the socket is expected. Anything else counts as the end too.
      pollfd waited[] = {{kControlFd, POLLIN, 0}, {ended_, POLLIN, 0}};
      if (poll(waited, 2, -1) < 0) continue;
      if (waited[1].revents != 0) ReapEnded();
      if (waited[0].revents != 0) break;
    }
    EndChildren([](pid_t) { return false; }, [this](pid_t pid, int status) { Note(pid, status); });
    if (!over_) EndProgram();
    return wait_status_;
  }

 private:
  // Used if children cannot be listed: ends at least the program and its group.
  void EndProgram() {
    (void)kill(-program_, SIGKILL);
    (void)kill(program_, SIGKILL);
    (void)waitpid(program_, &wait_status_, 0);
  }

  void ReapEnded() {
    signalfd_siginfo info;
    while (read(ended_, &info, sizeof(info)) > 0) {
    }
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      Note(pid, status);
    }
  }

  void Note(pid_t pid, int status) {
    if (pid != program_) return;
    wait_status_ = status;
    over_ = true;
  }

  const pid_t program_;
  const int ended_;  // readable when a child has ended
  bool over_ = false;
  int wait_status_ = 0;
};

int Main(int argc, char** argv) {
  const std::optional<int> exit_code = AnswerAboutProgram(
      argc, argv, "souvenir-worker-exec",
      "souvenir-worker-exec NICE COMMAND\n\n"
      "Runs the program of an exec model, and ends with it all that it has started.\n"
      "souvenir-compute starts it, with a socket as a further descriptor.");
  if (exit_code) return *exit_code;
  if (argc != 3 || fcntl(kControlFd, F_SETFD, FD_CLOEXEC) != 0) {
    (void)fprintf(stderr,
                  "souvenir-worker-exec is started by souvenir-compute, with a niceness, a command "
                  "and a socket as descriptor %d\n",
                  kControlFd);
    return 2;
  }
  AdoptOrphans();
  for (const int ignored : kIgnored) (void)signal(ignored, SIG_IGN);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  (void)sigprocmask(SIG_BLOCK, &child, nullptr);
  const int ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  // Set before the program starts threads, which would keep the old priority.
  (void)setpriority(PRIO_PROCESS, 0, std::atoi(argv[1]));

  const pid_t self = getpid();
  const pid_t program = fork();
  if (program < 0) {
    perror("fork");
    return kCannotRun;
  }
  if (program == 0) RunProgram(argv[2], self);
  LetGoOfStandardFiles();
  EndAs(Supervisor(program, ended).Run());
}

}  // namespace
}  // namespace souvenir::compute

int main(int argc, char** argv) { return souvenir::compute::Main(argc, argv); }
