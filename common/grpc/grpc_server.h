#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/grpc/connection_listener.h"
#include "common/grpc/connection_options.h"
#include "common/grpc/open_calls.h"
#include "common/grpc/unread_answers.h"

namespace grpc {
class ResourceQuota;
class Server;
class Service;
}  // namespace grpc

namespace souvenir {

class HandledCalls;
class HealthService;
class ReflectionService;

// A gRPC server that listens on one address, with health (grpc.health.v1), reflection, and limits
// for its clients.
//
// Owned by the service that it belongs to. That service and the grpc::Services must outlive it.
// Thread-safe, except Shutdown(), which one thread calls.
class GrpcServer {
 public:
  struct Options {
    std::string address;                    // "host:port"; port 0 is any that is free
    std::vector<grpc::Service*> services;   // not owned
    size_t max_message_bytes = 16u << 20;   // of one request or response
    std::string address_flag = "--listen";  // named in the error when the port is taken
    std::string name = "public";            // of the port, in lines of log
    ConnectionOptions connections;
    // gRPC inflates a whole message before it checks its size, so compressed requests are refused
    // with UNIMPLEMENTED. If true, only handlers that take messages refuse them. Handlers that take
    // bytes get them as they came, and use Inflate() of common/grpc/inflate.h.
    bool passes_compressed = false;
    // The memory that all messages under way may take, on all ports that are given the same quota.
    // Not owned, not needed after Start(). Null: no limit.
    const grpc::ResourceQuota* quota = nullptr;
    // Counts the answers of reflection. Not owned; outlives the server. Null: they are not counted.
    UnreadAnswers* unread = nullptr;
    std::function<void(bool)> on_accepting;  // see ConnectionListener::Options
  };

  // Starts a server. UNAVAILABLE, in one line that says what to do, if the address cannot be
  // listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options);

  ~GrpcServer();

  int port() const { return listener_->port(); }

  // Sets the status of `service` in grpc.health.v1; "" is the server as a whole. A name that was
  // never set, or was removed, is NOT_FOUND there.
  void SetServing(const std::string& service, bool serving);
  void RemoveHealth(const std::string& service);

  ConnectionListener::Stats connections() const { return listener_->stats(); }

  // Returns the number of calls that have begun and are not answered, including those whose message
  // has not come.
  uint64_t open_calls() const { return open_calls_.count(); }

  // Refuses new calls, waits up to `grace` until the calls that handlers have are answered, and
  // then closes all connections. A call whose message has not come whole is not waited for, and is
  // lost. Idempotent.
  void Shutdown(absl::Duration grace);

  // Shuts down all `servers` at the same time. Null pointers are skipped.
  static void ShutdownAll(const std::vector<GrpcServer*>& servers, absl::Duration grace);

 private:
  GrpcServer(std::unique_ptr<HealthService> health, std::unique_ptr<ReflectionService> reflection,
             std::unique_ptr<ConnectionListener> listener, std::unique_ptr<grpc::Server> server,
             OpenCalls open_calls, const HandledCalls* handled_calls);

  const std::unique_ptr<HealthService> health_;
  const std::unique_ptr<ReflectionService> reflection_;
  const std::unique_ptr<ConnectionListener> listener_;
  const std::unique_ptr<grpc::Server> server_;
  const OpenCalls open_calls_;
  const HandledCalls* const handled_calls_;  // owned by `server_`
  bool is_shut_down_ = false;
};

}  // namespace souvenir
