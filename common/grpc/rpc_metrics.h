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

// The calls of one method: how many are under way, and how long others took, by status code.
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

// Counts one call, from its making to End(), which is called once, of one copy. Both outlive it.
class RpcTimer {
 public:
  RpcTimer(RpcMethodMetrics* method, Clock* clock)
      : method_(method), clock_(clock), begun_(clock->Monotonic()) {
    method->begun_.Add();
  }

  // How long it took.
  absl::Duration End(grpc::StatusCode code) const {
    const absl::Duration took = clock_->Monotonic() - begun_;
    method_->Record(code, took);
    return took;
  }
  absl::Duration End(const grpc::Status& status) const { return End(status.error_code()); }

  // Counts what the call answered, which may be several answers, or fewer than its status says:
  // one by one, by their own status.
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

// The same of all methods of a service. Owned by it. Thread-safe.
class RpcMetrics {
 public:
  // `prefix` is what the metrics' names begin with: "souvenir_gateway".
  explicit RpcMetrics(std::string prefix) : prefix_(std::move(prefix)) {}

  // Of the method with that name, "ModelInfer"; lives as long as this object.
  RpcMethodMetrics* Method(const std::string& name);

  void Collect(MetricWriter& writer) const;

  const std::string& prefix() const { return prefix_; }

  // Requests under way, of all methods.
  uint64_t active() const;

  // Writes that `calls` are open of which no method knows: their message has not come, or they are
  // streams that have nothing under way.
  void CollectWaiting(uint64_t calls, MetricWriter& writer) const;

 private:
  void WriteActive(const std::string& method, uint64_t requests, MetricWriter& writer) const;

  const std::string prefix_;
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<RpcMethodMetrics>> methods_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir
