#include "common/metrics/metrics.h"

#include <fmt/format.h>
#include <netdb.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>

#include "common/metrics/process_metrics.h"
#include "common/thread.h"

namespace souvenir {
namespace {

// Gathers what collectors write into prometheus-cpp's own form.
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

class RegistryCollectable final : public prometheus::Collectable {
 public:
  explicit RegistryCollectable(const MetricsRegistry* registry) : registry_(registry) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    FamilyWriter writer;
    registry_->Collect(writer);
    CollectProcessMetrics(writer);
    return writer.Take();
  }

 private:
  const MetricsRegistry* const registry_;
};

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

namespace {

// Connects to `address` and hangs up; best effort.
void Knock(const std::string& address, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = address.substr(0, address.rfind(':'));
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return;
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0) {
    (void)connect(fd, found->ai_addr, found->ai_addrlen);
    close(fd);
  }
  freeaddrinfo(found);
}

}  // namespace

struct MetricsServer::Impl {
  Impl(const std::string& address, const MetricsRegistry* registry)
      : address(address),
        collectable(std::make_shared<RegistryCollectable>(registry)),
        exposer(address, /*num_threads=*/1) {
    exposer.RegisterCollectable(collectable);  // which it holds by a weak pointer only
  }
  const std::string address;
  std::shared_ptr<RegistryCollectable> collectable;
  prometheus::Exposer exposer;
};

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Create(
    const std::string& address, const MetricsRegistry* registry) {
  try {
    return std::unique_ptr<MetricsServer>(
        new MetricsServer(std::make_unique<Impl>(address, registry)));
  } catch (const std::exception& error) {
    // All that its HTTP server throws at is an address that it cannot bind.
    return absl::UnavailableError(fmt::format(
        "cannot serve metrics on {}: {}; is the port in use, or the address not this machine's? "
        "Choose another one with --metrics",
        address, error.what()));
  }
}

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MetricsServer::~MetricsServer() {
  // The HTTP server looks only every 2 s whether it is to stop, unless a connection wakes it.
  const std::string address = impl_->address;
  const int listening = port();
  Mutex mutex;
  CondVar changed;
  bool stopped = false;
  std::thread waker = StartThread("metrics-stop", [&] {
    MutexLock lock(&mutex);
    while (!stopped) {
      Knock(address, listening);
      changed.WaitFor(&mutex, std::chrono::milliseconds(5));
    }
  });
  impl_.reset();
  {
    MutexLock lock(&mutex);
    stopped = true;
    changed.NotifyAll();
  }
  waker.join();
}

int MetricsServer::port() const { return impl_->exposer.GetListeningPorts().front(); }

}  // namespace souvenir
