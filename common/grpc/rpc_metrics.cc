#include "common/grpc/rpc_metrics.h"

#include <algorithm>
#include <numeric>

#include "absl/status/status.h"

namespace souvenir {
namespace {

// Returns the object in `place`. The first call makes it.
template <typename T>
T* MadeOnce(std::atomic<T*>* place) {
  T* present = place->load(std::memory_order_acquire);
  if (present != nullptr) return present;
  auto made = std::make_unique<T>();
  if (place->compare_exchange_strong(present, made.get(), std::memory_order_acq_rel)) {
    return made.release();
  }
  return present;
}

std::string CodeName(size_t code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

}  // namespace

RpcMethodMetrics::~RpcMethodMetrics() {
  for (const auto& histogram : by_code_) delete histogram.load();
  for (const auto& counter : answers_) delete counter.load();
}

void RpcMethodMetrics::Record(grpc::StatusCode code, absl::Duration duration) {
  MadeOnce(&by_code_[static_cast<size_t>(code) % kCodes])->Record(duration);
}

void RpcMethodMetrics::CountAnswers(grpc::StatusCode code, uint64_t answers) {
  MadeOnce(&answers_[static_cast<size_t>(code) % kCodes])->Add(answers);
}

uint64_t RpcMethodMetrics::active() const {
  uint64_t ended = 0;  // read first, so that it is never above begun_
  for (const auto& place : by_code_) {
    const DurationHistogram* histogram = place.load(std::memory_order_acquire);
    if (histogram == nullptr) continue;
    const HistogramSnapshot snapshot = histogram->Snapshot();
    ended = std::accumulate(snapshot.buckets.begin(), snapshot.buckets.end(), ended);
  }
  const uint64_t begun = begun_.Sum();
  return begun - std::min(begun, ended);
}

RpcMethodMetrics* RpcMetrics::Method(const std::string& name) {
  MutexLock lock(&mutex_);
  std::unique_ptr<RpcMethodMetrics>& method = methods_[name];
  if (method == nullptr) method = std::make_unique<RpcMethodMetrics>(name);
  return method.get();
}

void RpcMetrics::Collect(MetricWriter& writer) const {
  MutexLock lock(&mutex_);
  for (const auto& [name, method] : methods_) {
    for (size_t code = 0; code < RpcMethodMetrics::kCodes; ++code) {
      const DurationHistogram* histogram = method->by_code_[code].load(std::memory_order_acquire);
      if (histogram == nullptr) continue;
      const HistogramSnapshot snapshot = histogram->Snapshot();
      writer.Histogram(prefix_ + "_request_seconds",
                       "Time from a call's arrival to its answer, by method and status code.",
                       {{"method", name}, {"code", CodeName(code)}}, snapshot);
    }
    for (size_t code = 0; code < RpcMethodMetrics::kCodes; ++code) {
      const ShardedCounter* answers = method->answers_[code].load(std::memory_order_acquire);
      if (answers == nullptr) continue;
      writer.Counter(prefix_ + "_answers_total",
                     "Answers given, by method and status. A Translate has one answer for each "
                     "target.",
                     {{"method", name}, {"code", CodeName(code)}},
                     static_cast<double>(answers->Sum()));
    }
    WriteActive(name, method->active(), writer);
  }
}

uint64_t RpcMetrics::active() const {
  MutexLock lock(&mutex_);
  uint64_t active = 0;
  for (const auto& [name, method] : methods_) active += method->active();
  return active;
}

void RpcMetrics::CollectWaiting(uint64_t calls, MetricWriter& writer) const {
  WriteActive("waiting", calls, writer);
}

void RpcMetrics::WriteActive(const std::string& method, uint64_t requests,
                             MetricWriter& writer) const {
  writer.Gauge(prefix_ + "_active_requests", "Requests under way, by method.", {{"method", method}},
               static_cast<double>(requests));
}

}  // namespace souvenir
