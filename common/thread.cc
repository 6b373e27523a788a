#include "common/thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace souvenir {

void MakeThreadNicer(int nice) {
  if (nice == 0) return;
  // On Linux a nice value belongs to a thread, which is identified by its kernel id.
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + nice);
}

std::thread StartThread(const std::string& name, std::function<void()> body, int nice) {
  // The thread inherits the mask. Signals are blocked before it exists, because one might reach it
  // at once.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([name = name.substr(0, 15), body = std::move(body), nice] {
    pthread_setname_np(pthread_self(), name.c_str());
    MakeThreadNicer(nice);
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace souvenir
