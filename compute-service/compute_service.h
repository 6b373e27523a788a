#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/gate.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/request_log.h"
#include "common/grpc/rpc_metrics.h"
#include "common/metrics/metrics.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/backends/backend.h"
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
  // Starts to serve. What `config` leaves out has its default (compute_config.h). INVALID_ARGUMENT
  // for a configuration that makes no sense, UNAVAILABLE for an address that cannot be listened on;
  // each in one line.
  static absl::StatusOr<std::unique_ptr<ComputeService>> Create(
      const config::v1::ComputeConfig& config, std::vector<std::unique_ptr<Backend>> backends,
      Clock* clock = Clock::System());

  // As Stop().
  ~ComputeService();

  int port() const { return public_server_->port(); }
  int admin_port() const { return admin_server_->port(); }
  int metrics_port() const;  // 0 where metrics are off
  const ModelRepository& repository() const { return *repository_; }

  // Says NOT_SERVING, refuses new requests, waits drain_timeout_seconds for those under way,
  // cancels what is left, and unloads all models. Blocks; idempotent.
  void Stop();

 private:
  ComputeService(config::v1::ComputeConfig config, std::vector<std::unique_ptr<Backend>> backends,
                 Clock* clock);

  absl::Status Start();
  absl::Status StartServers();
  void UpdateHealth(const std::string& model);
  // Says in the health of both ports whether the public one takes connections.
  void TellAccepting(bool accepting);
  void LogServing() const;

  const config::v1::ComputeConfig config_;
  Clock* const clock_;
  const std::vector<std::unique_ptr<Backend>> backends_;
  TimerQueue timers_;
  Gate gate_;
  RpcMetrics rpc_metrics_{"souvenir_compute"};
  RequestLog request_log_;
  CallContext calls_;

  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<ModelKeeper> keeper_;
  std::unique_ptr<InferenceService> public_service_;
  std::unique_ptr<InferenceService> admin_service_;
  std::unique_ptr<GrpcServer> public_server_;
  std::unique_ptr<GrpcServer> admin_server_;
  MetricsRegistry metrics_;
  std::unique_ptr<MetricsServer> metrics_server_;

  Mutex health_mutex_;
  bool tells_health_ ABSL_GUARDED_BY(health_mutex_) = false;  // both servers are there and serve

  Mutex stop_mutex_;
  bool stopped_ ABSL_GUARDED_BY(stop_mutex_) = false;
};

}  // namespace souvenir::compute
