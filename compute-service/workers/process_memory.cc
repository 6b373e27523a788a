#include "compute-service/workers/process_memory.h"

#include <fmt/format.h>

#include <sstream>
#include <string>

#include "common/read_file.h"
#include "compute-service/workers/process_tree.h"

namespace souvenir::compute {
namespace {

// The result is empty if the process has ended.
std::istringstream ProcessFile(const std::string& path) {
  return std::istringstream(ReadFile(path, 1 << 20).value_or(""));
}

uint64_t ProcessMemory(pid_t pid) {
  std::istringstream rollup = ProcessFile(fmt::format("/proc/{}/smaps_rollup", pid));
  for (std::string word; rollup >> word;) {
    uint64_t kilobytes = 0;
    if (word == "Pss:" && rollup >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

}  // namespace

uint64_t ProcessTreeMemory(pid_t pid) {
  uint64_t bytes = ProcessMemory(pid);
  for (const pid_t child : ChildrenOf(pid)) bytes += ProcessTreeMemory(child);
  return bytes;
}

}  // namespace souvenir::compute
