#include "common/grpc/server_metrics.h"

#include <algorithm>
#include <string>

#include "common/grpc/http2_limits.h"

namespace souvenir {

void CollectServerMetrics(const RpcEntry& entry,
                          const std::vector<std::pair<const char*, const GrpcServer*>>& ports,
                          MetricWriter& writer) {
  const RpcMetrics& rpcs = entry.metrics();
  const std::string& prefix = rpcs.prefix();
  uint64_t open_calls = 0;
  for (const auto& [port, server] : ports) {
    open_calls += server->open_calls();
    const ConnectionListener::Stats stats = server->connections();
    writer.Gauge(prefix + "_connections", "Connections that are open.", {{"port", port}},
                 static_cast<double>(stats.open));
    writer.Counter(prefix + "_connections_accepted_total", "Connections taken.", {{"port", port}},
                   static_cast<double>(stats.accepted));
    const std::pair<const char*, uint64_t> refused[] = {{"total", stats.refused_total},
                                                        {"peer", stats.refused_peer},
                                                        {"descriptors", stats.refused_descriptors}};
    for (const auto& [reason, connections] : refused) {
      writer.Counter(prefix + "_connections_refused_total",
                     "Connections closed at once, by the limit that was reached.",
                     {{"port", port}, {"reason", reason}}, static_cast<double>(connections));
    }
  }
  writer.Counter(prefix + "_connections_reset_total",
                 "Connections closed because too many of their calls ended early.", {},
                 static_cast<double>(ConnectionsClosedForResets()));
  writer.Counter(
      prefix + "_connections_metadata_exceeded_total",
      "Connections closed because the metadata of a call, or of all, was above its limit.", {},
      static_cast<double>(ConnectionsClosedForMetadata()));
  writer.Gauge(prefix + "_unread_answer_bytes",
               "Bytes of answers that their clients have not read, with their requests.", {},
               static_cast<double>(entry.unread().bytes()));
  writer.Counter(prefix + "_unread_answers_ended_total",
                 "Answers given up because unread answers had reached their limit.", {},
                 static_cast<double>(entry.unread().given_up()));
  const uint64_t handled = rpcs.active();
  rpcs.CollectWaiting(open_calls - std::min(open_calls, handled), writer);
}

}  // namespace souvenir
