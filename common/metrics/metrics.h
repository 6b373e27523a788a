#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/http/http_server.h"
#include "common/metrics/histogram.h"
#include "common/mutex.h"

namespace souvenir {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Receives the metrics of a collector, once per scrape. A name may occur many times with different
// labels, and always with the same help. Names follow Prometheus: base units, `_total` for
// counters. There must be few values of a label: never a caller's text.
class MetricWriter {
 public:
  virtual ~MetricWriter() = default;
  virtual void Counter(std::string_view name, std::string_view help, MetricLabels labels,
                       double value) = 0;
  virtual void Gauge(std::string_view name, std::string_view help, MetricLabels labels,
                     double value) = 0;
  virtual void Histogram(std::string_view name, std::string_view help, MetricLabels labels,
                         const HistogramSnapshot& value) = 0;
};

// The list of collectors. It does not count itself: components count in the way that is cheapest
// for them, and are asked on each scrape.
//
// Thread-safe. Outlives the MetricsServer over it.
class MetricsRegistry {
 public:
  using Collector = std::function<void(MetricWriter&)>;

  // Adds a collector. It is called on a scrape's thread, under a lock, until Clear(). Must not
  // block or call the registry.
  void Add(Collector collector);

  // Removes all collectors, after waiting for a scrape that uses them. For an owner that is about
  // to destroy what they read.
  void Clear();

  // Calls every collector.
  void Collect(MetricWriter& writer) const;

 private:
  mutable Mutex mutex_;
  std::vector<Collector> collectors_ ABSL_GUARDED_BY(mutex_);
};

// Serves /metrics over HTTP in Prometheus's text format. Adds metrics of its own connections, and
// the CPU, memory, open files and start time of the process.
class MetricsServer {
 public:
  using Options = HttpServer::Options;

  // Listens on the address and starts to serve. UNAVAILABLE if it cannot listen there,
  // INVALID_ARGUMENT if an option is out of range. `registry` must outlive the server.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Create(const Options& options,
                                                               const MetricsRegistry* registry);
  ~MetricsServer();

  // Returns the port that it listens on.
  int port() const { return server_->port(); }

 private:
  explicit MetricsServer(const MetricsRegistry* registry);
  HttpResponse Page(std::string_view path) const;

  const MetricsRegistry* const registry_;
  std::unique_ptr<HttpServer> server_;  // its thread uses the members above
};

}  // namespace souvenir
