#include "common/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>

#include "common/machine.h"
#include "common/metrics/metrics.h"
#include "common/read_file.h"

namespace souvenir {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double ResidentBytes() {
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  std::istringstream(ReadFile("/proc/self/statm", 4096).value_or("")) >> total_pages >>
      resident_pages;
  return static_cast<double>(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return error ? 0 : static_cast<double>(std::distance(begin(files), end(files)));
}

// Time of this library's initialisation, which is close enough to the start of the process.
const std::time_t start_time = std::time(nullptr);

}  // namespace

void CollectProcessMetrics(MetricWriter& writer) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  writer.Counter("process_cpu_seconds_total", "User and system CPU time spent.", {},
                 Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  writer.Gauge("process_resident_memory_bytes", "Resident memory.", {}, ResidentBytes());
  writer.Gauge("process_open_fds", "Open file descriptors.", {}, OpenFiles());
  writer.Gauge("process_max_fds", "Limit of open file descriptors.", {},
               static_cast<double>(OpenFileLimit()));
  writer.Gauge("process_start_time_seconds", "When the process started, seconds since 1970.", {},
               static_cast<double>(start_time));
}

}  // namespace souvenir
