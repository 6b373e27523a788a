#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/config/address.h"
#include "common/config/metrics_port.h"
#include "common/grpc/connection_options.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/rpc_entry.h"
#include "common/logging/logging.h"
#include "common/machine.h"
#include "common/metrics/metrics.h"
#include "common/mutex.h"

namespace souvenir {

// The host of a service: its public, admin and metrics ports, the entry of its RPCs, its health
// (grpc.health.v1), and its stop in order. Both services of the project use it.
//
//   ServiceHost host(ServiceHost::OptionsOf(config, ...));
//   InferenceService public_service(host.entry()), admin_service(host.entry());
//   host.metrics()->Add(...);
//   SOUVENIR_RETURN_IF_ERROR(host.Start({&public_service}, {&admin_service}));
//   host.SetServing("some-model", true);
//   ...
//   if (!host.Drain()) { ... cancel what is under way ... }
//   host.Shutdown();
//
// Owned by the service. The services that it hosts outlive Shutdown(). Thread-safe, but Start(),
// Drain() and Shutdown() are for one thread at a time.
class ServiceHost {
 public:
  // Not checked here: the services check the values that users set with their configuration.
  struct Options {
    std::string metrics_prefix;   // "souvenir_gateway"
    std::string name = "server";  // in messages: "the server is stopping"
    std::string version;          // "0.1.0", a label of the metric <prefix>_build_info
    std::string listen_address;   // of the public port: "host:port"
    std::string admin_address;    // of the admin port
    std::string metrics_address;  // "": no metrics port
    config::v1::MetricsPort metrics_port;
    ConnectionOptions connections;  // of each gRPC port
    size_t max_message_bytes = 16u << 20;
    uint64_t buffer_bytes = 0;           // of messages under way, on both gRPC ports together
    uint64_t unread_bytes = UINT64_MAX;  // of answers, on both gRPC ports; see UnreadAnswers
    bool passes_compressed = false;      // on the public port; see GrpcServer::Options
    absl::Duration slow_request;         // see RpcEntry::Options
    absl::Duration drain_timeout;        // of Drain()
    Clock* clock = Clock::System();      // outlives the host
  };

  // Returns the options that the configuration of a service has fields for. Messages under way may
  // take `buffer_share` of the machine's memory, unless the configuration says another limit.
  template <typename Config>
  static Options OptionsOf(const Config& config, double buffer_share);

  explicit ServiceHost(Options options);

  // Calls Drain() and Shutdown().
  ~ServiceHost();

  RpcEntry* entry() { return &entry_; }
  // The registry that the metrics port serves. It is cleared by Shutdown().
  MetricsRegistry* metrics() { return &metrics_; }

  // Opens the ports and serves. UNAVAILABLE if an address cannot be listened on.
  absl::Status Start(const std::vector<grpc::Service*>& public_services,
                     const std::vector<grpc::Service*>& admin_services);

  // The ports that were opened. REQUIRES: Start() has succeeded.
  int port() const { return public_server_->port(); }
  int admin_port() const { return admin_server_->port(); }
  int metrics_port() const;  // 0 if there is none
  bool has_started() const { return public_server_ != nullptr; }

  // Sets the health of `service` on both gRPC ports. Before Start() it is kept until then; after
  // Drain() it is NOT_SERVING for good.
  void SetServing(const std::string& service, bool serving);
  // Same as above, with the value that `look` returns; nullopt removes the health of `service`,
  // which is then as if it had never been set. Concurrent calls run one after another, so the last
  // value that was seen is the last one that is told.
  void UpdateServing(const std::string& service, absl::FunctionRef<std::optional<bool>()> look);
  void RemoveHealth(const std::string& service);

  // Logs that the service serves, with its addresses and `more`.
  void LogServing(Logger& log, std::vector<LogField> more) const;

  // Reports NOT_SERVING, refuses new calls, and waits for those under way. Returns false if the
  // drain timeout passed first. Idempotent.
  bool Drain();

  // Cancels calls that are left, closes the ports and forgets the metrics. Answers that are on
  // their way have five seconds to go out, if all calls had ended. Idempotent. REQUIRES: Drain()
  // was called.
  void Shutdown();

 private:
  enum class State { kNew, kServing, kStopping };

  // Sets the health of `service` on both gRPC ports.
  void Tell(const std::string& service, bool serving) ABSL_EXCLUSIVE_LOCKS_REQUIRED(health_mutex_);

  const Options options_;
  RpcEntry entry_;
  MetricsRegistry metrics_;
  std::unique_ptr<MetricsServer> metrics_server_;
  std::unique_ptr<GrpcServer> admin_server_;
  std::unique_ptr<GrpcServer> public_server_;

  Mutex health_mutex_;
  State state_ ABSL_GUARDED_BY(health_mutex_) = State::kNew;
  std::map<std::string, bool> serving_ ABSL_GUARDED_BY(health_mutex_);

  bool drained_ = false;  // Drain() has ended with true
};

template <typename Config>
ServiceHost::Options ServiceHost::OptionsOf(const Config& config, double buffer_share) {
  Options options;
  options.listen_address = config.listen_address();
  options.admin_address = config.admin_address();
  options.metrics_address = config.metrics_address();
  options.metrics_port = config.metrics_port();
  options.connections = ConnectionOptionsOf(config.connections());
  options.max_message_bytes = config.max_message_bytes();
  options.buffer_bytes = BufferBytes(config.connections(), buffer_share, ReadMachine().memory_bytes,
                                     config.max_message_bytes());
  options.unread_bytes =
      UnreadBytes(config.connections(), ReadMachine().memory_bytes, config.max_message_bytes());
  options.slow_request = absl::Milliseconds(config.logging().slow_request_ms());
  options.drain_timeout = absl::Seconds(config.drain_timeout_seconds());
  return options;
}

}  // namespace souvenir
