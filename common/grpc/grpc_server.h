#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace souvenir {

// One listening gRPC server with health (grpc.health.v1) and reflection.
//
// Owned by the service it belongs to, which must outlive it, as must the grpc::Services.
// Thread-safe but for Shutdown(), which is called by one thread.
class GrpcServer {
 public:
  struct Options {
    std::string address;                    // "host:port"; port 0 is any that is free
    std::vector<grpc::Service*> services;   // not owned
    size_t max_message_bytes = 64u << 20;   // of one request or response
    std::string address_flag = "--listen";  // named in the error when the port is taken
  };

  // UNAVAILABLE, in one line that says what to do, where the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options);

  ~GrpcServer();

  int port() const { return port_; }

  // What grpc.health.v1 says of `service`; "" is the server as a whole. A name that was never set
  // is NOT_FOUND there.
  void SetServing(const std::string& service, bool serving);

  // Takes no new calls, waits `grace` for those under way, then cancels what is left. Idempotent.
  void Shutdown(absl::Duration grace);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, int port);

  std::unique_ptr<grpc::Server> server_;
  const int port_;
};

}  // namespace souvenir
