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

namespace grpc {
class ResourceQuota;
class Server;
class Service;
}  // namespace grpc

namespace souvenir {

class HandledCalls;
class HealthService;
class ReflectionService;

// One listening gRPC server with health (grpc.health.v1), reflection, and limits to what its
// clients may take.
//
// Owned by the service it belongs to, which must outlive it, as must the grpc::Services.
// Thread-safe but for Shutdown(), which is called by one thread.
class GrpcServer {
 public:
  struct Options {
    std::string address;                    // "host:port"; port 0 is any that is free
    std::vector<grpc::Service*> services;   // not owned
    size_t max_message_bytes = 16u << 20;   // of one request or response
    std::string address_flag = "--listen";  // named in the error when the port is taken
    std::string name = "public";            // of the port, in lines of log
    ConnectionOptions connections;
    // gRPC inflates a message whole before it looks at its size. So compressed requests are refused
    // with UNIMPLEMENTED; or, if true, only those to handlers that take messages, and handlers that
    // take bytes get them as they came, for Inflate() of common/grpc/inflate.h.
    bool passes_compressed = false;
    // What all messages under way may take of memory, on this port and on others that are given the
    // same; not owned, not needed after Start(). nullptr: anything.
    const grpc::ResourceQuota* quota = nullptr;
    std::function<void(bool)> on_accepting;  // as ConnectionListener's
  };

  // UNAVAILABLE, in one line that says what to do, where the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options);

  ~GrpcServer();

  int port() const { return listener_->port(); }

  // What grpc.health.v1 says of `service`; "" is the server as a whole. A name that was never set
  // is NOT_FOUND there.
  void SetServing(const std::string& service, bool serving);

  ConnectionListener::Stats connections() const { return listener_->stats(); }

  // Calls that have begun and are not answered, those whose message has not come included.
  uint64_t open_calls() const { return open_calls_.count(); }

  // Takes no new calls, waits until those that a handler has are answered, `grace` at most, and
  // then closes all connections. Connections without such a call are not waited for: a call whose
  // message has not come whole is lost. Idempotent.
  void Shutdown(absl::Duration grace);

  // Shuts all of them down at the same time; a null pointer is none.
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
  const HandledCalls* const handled_calls_;  // the server's
  bool is_shut_down_ = false;
};

}  // namespace souvenir
