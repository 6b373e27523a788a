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

// What a collector writes its numbers to, once a scrape. A name may come many times, with different
// labels; it always comes with the same help. Names follow Prometheus: base units, `_total` for
// counters. Label values must be few: never a caller's text.
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

// Knows who has numbers to tell. Nobody counts through it: components count in whatever way is
// cheap for them, and are asked when a scrape comes.
//
// Thread-safe. Outlives the MetricsServer over it.
class MetricsRegistry {
 public:
  using Collector = std::function<void(MetricWriter&)>;

  // `collector` is called on a scrape's thread until the registry is cleared; it must not block.
  void Add(Collector collector);

  // Forgets all collectors; waits for a scrape that is using them. For an owner about to destroy
  // what they read.
  void Clear();

  // Calls every collector.
  void Collect(MetricWriter& writer) const;

 private:
  mutable Mutex mutex_;
  std::vector<Collector> collectors_ ABSL_GUARDED_BY(mutex_);
};

// Serves /metrics over HTTP in Prometheus's text format, with what it knows of its own connections
// and the process's CPU, memory, open files and start time added.
class MetricsServer {
 public:
  using Options = HttpServer::Options;

  // Listens on the address. UNAVAILABLE where it is taken, INVALID_ARGUMENT for other options.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Create(const Options& options,
                                                               const MetricsRegistry* registry);
  ~MetricsServer();

  // The port it listens on.
  int port() const { return server_->port(); }

 private:
  explicit MetricsServer(const MetricsRegistry* registry);
  HttpResponse Page(std::string_view path) const;

  const MetricsRegistry* const registry_;
  std::unique_ptr<HttpServer> server_;  // its thread uses the rest
};

}  // namespace souvenir
