#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/grpc/service_host.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/queue_bytes.h"
#include "compute-service/repository/model_keeper.h"
#include "compute-service/repository/model_repository.h"
#include "compute-service/rpc/call_context.h"
#include "compute-service/rpc/inference_service.h"
#include "souvenir/config/v1/compute.pb.h"

namespace souvenir::compute {

// The compute service, whole: repository, pools, both gRPC ports and the metrics port.
//
// Owned by main, or by a test, which gives it port 0. Thread-safe.
class ComputeService {
 public:
  // Starts to serve. Fields that `config` leaves out have their defaults (compute_config.h).
  // INVALID_ARGUMENT for an invalid configuration, UNAVAILABLE if an address cannot be listened on.
  // Each message is one line.
  static absl::StatusOr<std::unique_ptr<ComputeService>> Create(
      const config::v1::ComputeConfig& config, std::vector<std::unique_ptr<Backend>> backends,
      Clock* clock = Clock::System());

  // Calls Stop().
  ~ComputeService();

  int port() const { return host_.port(); }
  int admin_port() const { return host_.admin_port(); }
  int metrics_port() const { return host_.metrics_port(); }  // 0 if metrics are off
  const ModelRepository& repository() const { return *repository_; }

  // Reports NOT_SERVING, refuses new requests, waits up to drain_timeout_seconds for those under
  // way, cancels the rest, and unloads all models. Blocks; idempotent.
  void Stop();

 private:
  ComputeService(config::v1::ComputeConfig config, std::vector<std::unique_ptr<Backend>> backends,
                 Clock* clock);

  absl::Status Start();
  absl::Status StartServers();
  void UpdateHealth(const std::string& model);

  const config::v1::ComputeConfig config_;
  Clock* const clock_;
  const std::vector<std::unique_ptr<Backend>> backends_;
  // Declared before the members below, which call into it. Stop() closes its ports before they go.
  ServiceHost host_;
  TimerQueue timers_;
  QueueBytes queue_bytes_;
  CallContext calls_;

  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<ModelKeeper> keeper_;
  std::unique_ptr<InferenceService> public_service_;
  std::unique_ptr<InferenceService> admin_service_;

  Mutex stop_mutex_;
  bool stopped_ ABSL_GUARDED_BY(stop_mutex_) = false;
};

}  // namespace souvenir::compute
