#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/mutex.h"
#include "standard/health.grpc.pb.h"

namespace souvenir {

// grpc.health.v1, on the callback API. gRPC's own cannot end its watches, and a stop would wait for
// them.
//
// Owned by a server, which it outlives. Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // "" is the server as a whole, and serves from the beginning; another name is NOT_FOUND, and
  // SERVICE_UNKNOWN to who watches it, until it is set. Tells watches.
  void Set(const std::string& service, bool serving);

  // Ends the watches that are open, and those that come, with UNAVAILABLE. Idempotent.
  void Stop();

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  class WatchCall;
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;

  Status StatusOf(const std::string& service) const;
  // Returns the message for an unknown name: with the nearest name and some of those there are.
  std::string NoSuchPart(const std::string& service) const;
  void Remove(const std::shared_ptr<WatchCall>& call);

  mutable Mutex mutex_;
  std::map<std::string, bool> serving_ ABSL_GUARDED_BY(mutex_){{"", true}};
  std::set<std::shared_ptr<WatchCall>> watches_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir
