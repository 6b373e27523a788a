#include "compute-service/workers/process_tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

#include "common/read_file.h"

namespace souvenir::compute {
namespace {

constexpr uint64_t kMostListBytes = 1 << 20;

}  // namespace

std::vector<pid_t> ChildrenOf(pid_t pid) {
  namespace fs = std::filesystem;
  std::vector<pid_t> children;
  std::error_code error;
  const std::string threads = "/proc/" + std::to_string(pid) + "/task";
  fs::directory_iterator thread(threads, error);
  for (; !error && thread != fs::directory_iterator(); thread.increment(error)) {
    std::istringstream listed(
        ReadFile((thread->path() / "children").string(), kMostListBytes).value_or(""));
    for (pid_t child = 0; listed >> child;) children.push_back(child);
  }
  return children;
}

void AdoptOrphans() { (void)prctl(PR_SET_CHILD_SUBREAPER, 1); }

void EndChildren(const std::function<bool(pid_t)>& keeps,
                 const std::function<void(pid_t, int wait_status)>& reaped) {
  // A process hands on its children before it can be reaped. So all orphans of one round are
  // children of this process when the next round begins.
  for (bool any = true; any;) {
    any = false;
    std::vector<pid_t> ending;
    for (const pid_t child : ChildrenOf(getpid())) {
      if (!keeps(child)) ending.push_back(child);
    }
    // All are killed first, so that none starts more processes while another is waited for.
    for (const pid_t child : ending) (void)kill(child, SIGKILL);
    for (const pid_t child : ending) {
      int status = 0;
      pid_t ended;
      do {
        ended = waitpid(child, &status, 0);
      } while (ended < 0 && errno == EINTR);
      if (ended == child) {
        any = true;
        reaped(child, status);
      }
    }
  }
}

}  // namespace souvenir::compute
