#pragma once

#include <grpcpp/impl/server_builder_option.h>

#include <memory>
#include <string>
#include <vector>

#include "common/grpc/open_streams.h"
#include "common/grpc/unread_answers.h"
#include "standard/reflection.grpc.pb.h"

namespace souvenir {

// grpc.reflection.v1alpha over the descriptors that are part of the program, on the callback API.
// An open stream takes no thread; with gRPC's own service, each takes one.
//
// Owned by a GrpcServer; outlives the grpc::Server. Thread-safe.
class ReflectionService final
    : public grpc::reflection::v1alpha::ServerReflection::CallbackService {
 public:
  // `unread` counts the answers; it outlives the service. Null: they are not counted.
  explicit ReflectionService(UnreadAnswers* unread) : unread_(unread) {}

  // Returns an option for the builder of the server. It tells this service the names of all
  // services of the server.
  std::unique_ptr<grpc::ServerBuilderOption> LearnServices();

  // Ends open and later streams with UNAVAILABLE. Idempotent.
  void Stop() { streams_.Stop(); }

  grpc::ServerBidiReactor<grpc::reflection::v1alpha::ServerReflectionRequest,
                          grpc::reflection::v1alpha::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

  // Fills in the response to one request.
  void Answer(const grpc::reflection::v1alpha::ServerReflectionRequest& request,
              grpc::reflection::v1alpha::ServerReflectionResponse* response) const;

 private:
  class Call;

  UnreadAnswers* const unread_;
  std::vector<std::string> services_;  // unchanged once the server has started
  OpenStreams streams_;
};

}  // namespace souvenir
