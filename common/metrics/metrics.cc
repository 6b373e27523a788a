#include "common/metrics/metrics.h"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <map>

#include "common/metrics/process_metrics.h"

namespace souvenir {
namespace {

// Collects metrics in prometheus-cpp's form.
class FamilyWriter final : public MetricWriter {
 public:
  void Counter(std::string_view name, std::string_view help, MetricLabels labels,
               double value) override {
    Add(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value = value;
  }
  void Gauge(std::string_view name, std::string_view help, MetricLabels labels,
             double value) override {
    Add(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
  }
  void Histogram(std::string_view name, std::string_view help, MetricLabels labels,
                 const HistogramSnapshot& value) override {
    auto& histogram =
        Add(name, help, prometheus::MetricType::Histogram, std::move(labels)).histogram;
    uint64_t cumulated = 0;
    for (size_t i = 0; i < value.bounds.size(); ++i) {
      cumulated += value.buckets[i];
      histogram.bucket.push_back({cumulated, value.bounds[i]});
    }
    histogram.sample_count = cumulated + value.buckets.back();
    histogram.sample_sum = value.sum;
  }

  std::vector<prometheus::MetricFamily> Take() {
    std::vector<prometheus::MetricFamily> families;
    families.reserve(families_.size());
    for (auto& [name, family] : families_) families.push_back(std::move(family));
    return families;
  }

 private:
  prometheus::ClientMetric& Add(std::string_view name, std::string_view help,
                                prometheus::MetricType type, const MetricLabels& labels) {
    prometheus::MetricFamily& family = families_[std::string(name)];
    if (family.name.empty()) {
      family.name = name;
      family.help = help;
      family.type = type;
    }
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [label, value] : labels) metric.label.push_back({label, value});
    return metric;
  }

  std::map<std::string, prometheus::MetricFamily> families_;
};

void CollectConnections(const HttpServer::Stats& stats, MetricWriter& writer) {
  writer.Gauge("souvenir_metrics_connections", "Connections to the metrics port.", {},
               static_cast<double>(stats.open));
  writer.Counter("souvenir_metrics_connections_delayed_total",
                 "Times at which a connection to the metrics port had to wait for a descriptor.",
                 {}, static_cast<double>(stats.without_descriptor));
  for (size_t i = 0; i < stats.ended.size(); ++i) {
    const auto end = static_cast<HttpServer::End>(i);
    writer.Counter("souvenir_metrics_connections_ended_total",
                   "Connections to the metrics port that ended, by how they ended.",
                   {{"end", std::string(HttpServer::NameOf(end))}},
                   static_cast<double>(stats.ended[i]));
  }
}

}  // namespace

void MetricsRegistry::Add(Collector collector) {
  MutexLock lock(&mutex_);
  collectors_.push_back(std::move(collector));
}

void MetricsRegistry::Clear() {
  std::vector<Collector> dropped;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  dropped.swap(collectors_);
}

void MetricsRegistry::Collect(MetricWriter& writer) const {
  MutexLock lock(&mutex_);
  for (const Collector& collector : collectors_) collector(writer);
}

MetricsServer::MetricsServer(const MetricsRegistry* registry) : registry_(registry) {}

MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Create(
    const Options& options, const MetricsRegistry* registry) {
  std::unique_ptr<MetricsServer> metrics(new MetricsServer(registry));
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Create(
      options, [metrics = metrics.get()](std::string_view path) { return metrics->Page(path); });
  if (absl::IsUnavailable(server.status())) {
    return absl::UnavailableError(fmt::format(
        "cannot serve metrics on {}: {}; is the port in use, or the address not this machine's? "
        "Choose another one with --metrics",
        options.address, std::string(server.status().message())));
  }
  if (!server.ok()) return server.status();
  metrics->server_ = *std::move(server);
  metrics->server_->Start();
  return metrics;
}

HttpResponse MetricsServer::Page(std::string_view path) const {
  if (path != "/metrics") return {.status = 404, .body = "the only page is /metrics\n"};
  FamilyWriter writer;
  registry_->Collect(writer);
  CollectConnections(server_->stats(), writer);
  CollectProcessMetrics(writer);
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = prometheus::TextSerializer().Serialize(writer.Take())};
}

}  // namespace souvenir
