#pragma once

#include <grpcpp/support/status_code_enum.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/metrics/histogram.h"
#include "common/metrics/metrics.h"
#include "common/mutex.h"

namespace souvenir {

// How long the calls of one method took, by status code. Thread-safe; recording takes no lock.
class RpcMethodMetrics {
 public:
  ~RpcMethodMetrics();
  void Record(grpc::StatusCode code, absl::Duration duration);

 private:
  friend class RpcMetrics;
  static constexpr size_t kCodes = grpc::StatusCode::UNAUTHENTICATED + 1;
  // Made when a code comes for the first time.
  std::array<std::atomic<DurationHistogram*>, kCodes> by_code_{};
};

// The same of all methods of a service. Owned by it. Thread-safe.
class RpcMetrics {
 public:
  // `metric` is the histogram's name: "souvenir_gateway_request_seconds".
  explicit RpcMetrics(std::string metric) : metric_(std::move(metric)) {}

  // Of the method with that name, "ModelInfer"; lives as long as this object.
  RpcMethodMetrics* Method(const std::string& name);

  void Collect(MetricWriter& writer) const;

 private:
  const std::string metric_;
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<RpcMethodMetrics>> methods_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir
