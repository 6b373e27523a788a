#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/mutex.h"
#include "standard/health.grpc.pb.h"

namespace souvenir {

// grpc.health.v1, on the callback API. gRPC's own service cannot end its watches, so a stop would
// wait for them.
//
// Owned by a GrpcServer; outlives the grpc::Server. Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // Sets the status of `service`, and tells its watches. "" is the server as a whole, which serves
  // from the beginning. Until another name is set, and after it was removed, a check of it is
  // NOT_FOUND and a watch gets SERVICE_UNKNOWN.
  void Set(const std::string& service, bool serving);
  void Remove(const std::string& service);

  // Ends open and later watches with UNAVAILABLE. Idempotent.
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
  // Returns the message for an unknown name. It has the nearest known name and some of the known
  // names.
  std::string NoSuchPart(const std::string& service) const;
  // Tells the watches of `service` its status.
  void Tell(const std::string& service);
  void Forget(const std::shared_ptr<WatchCall>& call);

  mutable Mutex mutex_;
  std::map<std::string, bool> serving_ ABSL_GUARDED_BY(mutex_){{"", true}};
  std::set<std::shared_ptr<WatchCall>> watches_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir
