#pragma once

#include <grpcpp/support/status.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/metrics/histogram.h"
#include "common/metrics/metrics.h"
#include "common/metrics/sharded_counter.h"
#include "common/mutex.h"

namespace souvenir {

// The metrics of one method: the calls under way, and the durations of ended calls by status code.
// Thread-safe; counting takes no lock.
class RpcMethodMetrics {
 public:
  explicit RpcMethodMetrics(std::string name) : name_(std::move(name)) {}
  ~RpcMethodMetrics();

  const std::string& name() const { return name_; }  // "ModelInfer"

 private:
  friend class RpcMetrics;
  friend class RpcTimer;

  void Record(grpc::StatusCode code, absl::Duration duration);
  uint64_t active() const;
  void CountAnswers(grpc::StatusCode code, uint64_t answers);

  static constexpr size_t kCodes = grpc::StatusCode::UNAUTHENTICATED + 1;
  const std::string name_;
  // Made when a code comes for the first time.
  std::array<std::atomic<DurationHistogram*>, kCodes> by_code_{};
  std::array<std::atomic<ShardedCounter*>, kCodes> answers_{};
  ShardedCounter begun_;
};

// Counts and times one call, from its construction to End(). End() is called once, on one of the
// copies. The method and the clock must outlive it.
class RpcTimer {
 public:
  RpcTimer(RpcMethodMetrics* method, Clock* clock)
      : method_(method), clock_(clock), begun_(clock->Monotonic()) {
    method->begun_.Add();
  }

  // Ends the call. Returns how long it took.
  absl::Duration End(grpc::StatusCode code) const {
    const absl::Duration took = clock_->Monotonic() - begun_;
    method_->Record(code, took);
    return took;
  }
  absl::Duration End(const grpc::Status& status) const { return End(status.error_code()); }

  // Counts answers by their own status, for a call that gives several answers, or fewer than its
  // status says.
  void CountAnswers(absl::StatusCode code, uint64_t answers = 1) const {
    method_->CountAnswers(static_cast<grpc::StatusCode>(code), answers);
  }

  absl::Duration begun() const { return begun_; }  // by Clock::Monotonic()
  const std::string& method() const { return method_->name(); }

 private:
  RpcMethodMetrics* method_;
  Clock* clock_;
  absl::Duration begun_;
};

// The metrics of all methods of a service. Owned by the service. Thread-safe.
class RpcMetrics {
 public:
  // `prefix` begins the names of the metrics: "souvenir_gateway".
  explicit RpcMetrics(std::string prefix) : prefix_(std::move(prefix)) {}

  // Returns the metrics of a method, "ModelInfer". They live as long as this object.
  RpcMethodMetrics* Method(const std::string& name);

  void Collect(MetricWriter& writer) const;

  const std::string& prefix() const { return prefix_; }

  // Returns the number of requests under way, of all methods.
  uint64_t active() const;

  // Writes the number of open calls that no method counts: those whose message has not come, and
  // streams without a request under way.
  void CollectWaiting(uint64_t calls, MetricWriter& writer) const;

 private:
  void WriteActive(const std::string& method, uint64_t requests, MetricWriter& writer) const;

  const std::string prefix_;
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<RpcMethodMetrics>> methods_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir
