#pragma once

#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "cache/tiered_cache.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/grpc/service_host.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "gateway/catalog/catalog.h"
#include "gateway/catalog/catalog_poller.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/language/translator.h"
#include "gateway/resolve/resolver.h"
#include "gateway/rpc/cache_service.h"
#include "gateway/rpc/inference_service.h"
#include "gateway/rpc/speech_service.h"
#include "gateway/rpc/stats_service.h"
#include "gateway/rpc/target_directory.h"
#include "gateway/rpc/task_service.h"
#include "gateway/rpc/translation_service.h"
#include "gateway/tasks/task_engine.h"
#include "gateway/upstream/address_watcher.h"
#include "gateway/upstream/endpoint_set.h"
#include "souvenir/config/v1/gateway.pb.h"

namespace souvenir::gateway {

// The gateway, whole: cache, catalog, resolver, both gRPC ports and the metrics port.
//
// Owned by main, or by a test, which gives it port 0. Thread-safe.
class Gateway {
 public:
  // The part of the setup that a program decides, not its configuration.
  struct Environment {
    Clock* clock = Clock::System();
    std::string store_checker;  // see cache::DiskTier::Options::checker
  };

  // Starts to serve, even if compute does not answer. Fields that `config` leaves out have their
  // defaults (gateway_config.h). INVALID_ARGUMENT for an invalid configuration, UNAVAILABLE if an
  // address cannot be listened on, and the errors of cache::SegmentStore::Open() for the data
  // directory and of RocksDbTaskStore::Open() for that of jobs. Each message is one line.
  static absl::StatusOr<std::unique_ptr<Gateway>> Create(const config::v1::GatewayConfig& config,
                                                         const Environment& environment);

  // Calls Stop().
  ~Gateway();

  int port() const { return host_.port(); }
  int admin_port() const { return host_.admin_port(); }
  int metrics_port() const { return host_.metrics_port(); }  // 0 if metrics are off

  // Reports NOT_SERVING, refuses new requests, waits up to drain_timeout_seconds for those under
  // way, cancels the rest, and writes the entries that are queued for the disk. Blocks; idempotent.
  void Stop();

 private:
  Gateway(config::v1::GatewayConfig config, const Environment& environment);

  absl::Status Start();
  absl::Status OpenCache();
  void ConnectToCompute();
  absl::Status StartServices();
  // Opens the task store, and runs what is ready in it.
  absl::Status StartTasks();
  void StartLookingAtCompute();
  absl::Status StartServers();
  void UpdateHealth(const CatalogSnapshot& snapshot);

  const config::v1::GatewayConfig config_;
  Clock* const clock_;
  const std::string store_checker_;
  // Declared before the members below, which call into it. Stop() closes its ports before they go.
  ServiceHost host_;
  TimerQueue timers_;
  LatencyByKind latency_;

  std::unique_ptr<cache::TieredCache> cache_;
  std::unique_ptr<Catalog> catalog_;
  TargetDirectory targets_;
  std::unique_ptr<Resolver> resolver_;
  // Declared after the resolver, which they call into, so that they are destroyed first.
  std::unique_ptr<EndpointSet> compute_;
  std::unique_ptr<EndpointSet> compute_admins_;
  std::unique_ptr<ThreadExecutor> disk_executor_;
  std::unique_ptr<ThreadExecutor> hash_executor_;
  std::unique_ptr<ThreadExecutor> snapshot_executor_;
  std::unique_ptr<ThreadExecutor> task_executor_;
  std::unique_ptr<ThreadExecutor> submission_executor_;
  std::unique_ptr<TaskEngine> tasks_;  // null if jobs are off
  std::unique_ptr<Translator> translator_;
  std::unique_ptr<SpeechModels> speech_models_;

  std::unique_ptr<TranslationService> translation_service_;
  std::unique_ptr<SpeechService> speech_service_;
  std::unique_ptr<TaskService> public_tasks_;
  std::unique_ptr<TaskService> admin_tasks_;
  std::unique_ptr<StatsService> stats_service_;
  std::unique_ptr<CacheService> cache_service_;
  std::unique_ptr<InferenceService> public_inference_;
  std::unique_ptr<InferenceService> admin_inference_;
  std::set<std::string> models_;  // that have a health; used by the catalog's listener

  Mutex stop_mutex_;
  bool stopped_ ABSL_GUARDED_BY(stop_mutex_) = false;

  std::unique_ptr<CatalogPoller> poller_;
  std::unique_ptr<AddressWatcher> compute_addresses_;
  std::unique_ptr<AddressWatcher> compute_admin_addresses_;
};

}  // namespace souvenir::gateway
