#pragma once

namespace souvenir {

class MetricWriter;

// Writes the standard metrics of a process (process_cpu_seconds_total,
// process_resident_memory_bytes, process_open_fds, process_start_time_seconds, ...) from
// getrusage(2) and /proc/self, see proc(5).
// /proc/self, see proc(5).
void CollectProcessMetrics(MetricWriter& writer);

}  // namespace souvenir
