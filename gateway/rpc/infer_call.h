#pragma once

#include "gateway/catalog/catalog.h"
#include "gateway/rpc/infer_messages.h"
#include "gateway/rpc/target_directory.h"
#include "gateway/rpc/unary_call.h"

namespace souvenir::gateway {

// One ModelInfer.
class InferCall final : public ResolvingCall {
 public:
  InferCall(const CallParts& parts, RpcMethodMetrics* metrics, grpc::CallbackServerContext* context,
            const grpc::ByteBuffer& request, grpc::ByteBuffer* response)
      : ResolvingCall(parts, metrics, context, request, response) {}

  // Reads the request and makes the questions. Returns the errors of InferMessages::Parse(),
  // ReadCallOptions() and InferMessages::Ask().
  absl::Status Read(const grpc::ByteBuffer& bytes, const Catalog& catalog,
                    const TargetDirectory& targets);

 private:
  ResolveCall& resolving() override { return resolving_; }
  absl::Status Respond() override;
  void AddCacheMetadata();

  InferMessages messages_;
  ResolveCall resolving_{this};  // its questions are views of the messages
};

}  // namespace souvenir::gateway
