#pragma once

#include <google/protobuf/arena.h>

#include <optional>
#include <vector>

#include "common/grpc/valid_inference.h"
#include "gateway/catalog/catalog.h"
#include "gateway/rpc/target_directory.h"
#include "gateway/rpc/unary_call.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// One ModelInfer. A batch for a model whose rows are exact is asked row by row, and its answer put
// together in order; any other request is one question.
class InferCall final : public UnaryCall {
 public:
  InferCall(const CallParts& parts, RpcMethodMetrics* metrics, grpc::CallbackServerContext* context,
            grpc::ByteBuffer* response)
      : UnaryCall(parts, metrics, context), response_(response) {}

  // Reads the request and makes the questions. NOT_FOUND for an unknown model; INVALID_ARGUMENT,
  // with what came and what is expected, for what the model does not take.
  absl::Status Read(const grpc::ByteBuffer& bytes, const Catalog& catalog,
                    const TargetDirectory& targets);

 private:
  absl::Status Respond() override;

  absl::Status ReadTensors(const CatalogModel& model);
  void AskByRows(const TargetPtr& target, int64_t rows);

  // The outputs, with the rows' in order.
  absl::Status FillOutputs(inference::ModelInferResponse* response) const;
  void AddCacheMetadata();

  grpc::ByteBuffer* const response_;
  google::protobuf::Arena arena_;
  inference::ModelInferRequest* request_ = nullptr;  // the arena's
  CatalogModelPtr model_;
  std::optional<ValidInference> valid_;    // where the model's configuration is known
  std::optional<MessageTensors> tensors_;  // where it is not
  std::vector<TensorView> inputs_;
  std::vector<std::vector<int64_t>> row_shapes_;  // of the inputs
};

}  // namespace souvenir::gateway
