#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "common/gate.h"
#include "gateway/upstream/grpc_channel.h"
#include "gateway/upstream/grpc_models.h"
#include "gateway/upstream/upstream.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {

// A server over one gRPC channel, which reconnects by itself. The operations kLoad and kUnload need
// the address of an admin port.
//
// The thread that releases a channel last waits for the threads that run callbacks (gRPC 1.51), so
// it must not be one of them. Contexts of calls hold the channel too; the destructor waits until
// all are gone before it releases the channel.
class GrpcUpstream final : public UpstreamServer {
 public:
  using Options = GrpcChannelOptions;

  explicit GrpcUpstream(const Options& options);
  // Waits for the callbacks of all calls; cancel these first. Must not run on a thread that runs
  // callbacks.
  ~GrpcUpstream() override;

  std::shared_ptr<Call> Infer(std::shared_ptr<const Inference> inference, absl::Duration timeout,
                              InferenceDone done) override;
  std::shared_ptr<Call> PassOn(Operation operation, const std::string& request,
                               absl::Duration timeout, PassedOnDone done) override;
  absl::StatusOr<KnownModelsPtr> Describe(const Look& look) override {
    return models_.Describe(look);
  }
  size_t left_out() const override { return models_.left_out(); }

 private:
  template <typename Response>
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::unique_ptr<Response>>) &&>;

  // Calls `method` of the stub.
  template <typename Request, typename Response, typename Method>
  std::shared_ptr<Call> Start(Method method, std::shared_ptr<const Request> request,
                              absl::Duration timeout, Done<Response> done,
                              const TraceContext& trace = {});
  // Calls `method` with a request in bytes.
  template <typename Request, typename Response, typename Method>
  std::shared_ptr<Call> PassOnBy(Method method, const std::string& request, absl::Duration timeout,
                                 PassedOnDone done);

  const std::string address_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
  GrpcModels models_;

  Gate calls_;  // a call is inside as long as its context exists
};

}  // namespace souvenir::gateway
