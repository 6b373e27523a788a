#pragma once

#include <grpcpp/impl/server_builder_option.h>

#include <memory>
#include <string>
#include <vector>

#include "common/grpc/open_streams.h"
#include "standard/reflection.grpc.pb.h"

namespace souvenir {

// grpc.reflection.v1alpha over the descriptors that are part of the program, on the callback API:
// an open stream takes no thread, where gRPC's own takes one each.
//
// Owned by a server, which it outlives. Thread-safe.
class ReflectionService final
    : public grpc::reflection::v1alpha::ServerReflection::CallbackService {
 public:
  // To be given to the builder of the server: tells this service the names of all of its services.
  std::unique_ptr<grpc::ServerBuilderOption> LearnServices();

  // Ends the streams that are open, and those that come, with UNAVAILABLE. Idempotent.
  void Stop() { streams_.Stop(); }

  grpc::ServerBidiReactor<grpc::reflection::v1alpha::ServerReflectionRequest,
                          grpc::reflection::v1alpha::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

  // What is answered to one request.
  void Answer(const grpc::reflection::v1alpha::ServerReflectionRequest& request,
              grpc::reflection::v1alpha::ServerReflectionResponse* response) const;

 private:
  class Call;

  std::vector<std::string> services_;  // unchanged once the server has started
  OpenStreams streams_;
};

}  // namespace souvenir
