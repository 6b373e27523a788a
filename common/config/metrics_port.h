#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/config/range.h"
#include "common/http/http_server.h"
#include "common/status_macros.h"
#include "souvenir/config/v1/common.pb.h"

namespace souvenir {

inline config::v1::MetricsPort DefaultMetricsPort() {
  config::v1::MetricsPort port;
  port.set_max_connections(64);
  port.set_timeout_ms(5'000);
  return port;
}

inline absl::Status CheckMetricsPort(const config::v1::MetricsPort& port) {
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("metrics_port.max_connections", port.max_connections(), 1, 4096));
  return CheckRange("metrics_port.timeout_ms", port.timeout_ms(), 1, 3'600'000);
}

// Returns the options of the metrics server from a service's configuration.
inline HttpServer::Options MetricsOptionsOf(const std::string& address,
                                            const config::v1::MetricsPort& port) {
  return {.address = address,
          .connections = port.max_connections(),
          .timeout = absl::Milliseconds(port.timeout_ms())};
}

}  // namespace souvenir
