#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/grpc/rpc_entry.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/rpc/task_parts.h"
#include "souvenir/v1/task_service.pb.h"

namespace souvenir::gateway {

// One GetResult. The result is read on the executor, and sent in pieces, so that it may be larger
// than a message. Until it is sent whole it counts as an unread answer, so that clients that do not
// read cannot fill the memory.
//
// Owned by gRPC, and by itself until it is done.
class ResultCall final : public grpc::ServerWriteReactor<v1::ResultChunk>,
                         public std::enable_shared_from_this<ResultCall> {
 public:
  // Runs the call. Returns the reactor for gRPC.
  static grpc::ServerWriteReactor<v1::ResultChunk>* Start(const TaskParts& parts,
                                                          RpcMethodMetrics* metrics,
                                                          grpc::CallbackServerContext* context,
                                                          const v1::GetResultRequest& request);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  ResultCall(const TaskParts& parts, RpcMethodMetrics* metrics,
             grpc::CallbackServerContext* context, const v1::GetResultRequest& request)
      : parts_(parts), context_(context), call_(parts.entry, metrics), request_(request) {}

  // Reads the result and makes the header.
  absl::Status Read();
  void End(const absl::Status& status);

  const TaskParts parts_;
  grpc::CallbackServerContext* const context_;
  RpcCall call_;
  const v1::GetResultRequest request_;
  std::shared_ptr<ResultCall> self_;  // until OnDone()

  UnreadAnswers::Answer unread_;  // `result_`
  std::string result_;
  DecodedTensors outputs_;  // views of `result_`
  size_t output_ = 0;       // that is being sent
  size_t sent_ = 0;         // of its bytes
  v1::ResultChunk chunk_;
};

}  // namespace souvenir::gateway
