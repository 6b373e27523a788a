#pragma once

namespace souvenir {

class MetricWriter;

// Writes what every Prometheus client library tells of its process (process_cpu_seconds_total,
// process_resident_memory_bytes, process_open_fds, process_start_time_seconds, ...), from
// /proc/self, see proc(5).
void CollectProcessMetrics(MetricWriter& writer);

}  // namespace souvenir
