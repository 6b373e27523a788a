#include "common/machine.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "common/read_file.h"

namespace souvenir {
namespace {

// Returns the text of a file; empty if it cannot be read.
std::istringstream SmallFile(const std::string& path) {
  return std::istringstream(ReadFile(path, 1 << 20).value_or(""));
}

// Returns the path of this process's cgroup below the cgroup file system; "/" for the root.
std::string CgroupPath(const std::string& root) {
  std::istringstream groups = SmallFile(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return "/";
}

// Returns the processors that a file with "quota period" in microseconds grants, rounded up.
int ProcessorsOf(const std::filesystem::path& cpu_max) {
  std::istringstream file = SmallFile(cpu_max);
  double quota = 0;
  double period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0) {
    return std::numeric_limits<int>::max();  // "max", or no such file
  }
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

uint64_t BytesOf(const std::filesystem::path& memory_max) {
  std::istringstream file = SmallFile(memory_max);
  uint64_t bytes = 0;
  return file >> bytes ? bytes : std::numeric_limits<uint64_t>::max();
}

int AffineProcessors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

uint64_t TotalMemory(const std::string& root) {
  std::istringstream file = SmallFile(root + "/proc/meminfo");
  for (std::string word; file >> word;) {
    uint64_t kilobytes = 0;
    if (word == "MemTotal:" && file >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

}  // namespace

Machine ReadMachine(const std::string& root) {
  Machine machine;
  machine.processors = AffineProcessors();
  uint64_t granted = std::numeric_limits<uint64_t>::max();
  // The limits of all parent groups apply too.
  for (std::filesystem::path group = CgroupPath(root);; group = group.parent_path()) {
    const std::filesystem::path files = root + "/sys/fs/cgroup" + group.string();
    machine.processors = std::min(machine.processors, ProcessorsOf(files / "cpu.max"));
    granted = std::min(granted, BytesOf(files / "memory.max"));
    if (group == "/" || !group.has_relative_path()) break;
  }
  const uint64_t total = TotalMemory(root);
  machine.memory_bytes = total == 0 ? 0 : std::min(total, granted);
  std::istringstream load = SmallFile(root + "/proc/loadavg");
  if (!(load >> machine.load)) machine.load = 0;
  return machine;
}

uint64_t OpenFileLimit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur;
}

void RaiseOpenFileLimit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace souvenir
