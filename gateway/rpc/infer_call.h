#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "common/grpc/valid_inference.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/catalog/catalog.h"
#include "gateway/rpc/message_writer.h"
#include "gateway/rpc/raw_message.h"
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
  // An output of the whole batch.
  struct OutputTensor {
    // INTERNAL where it does not fit to those before.
    absl::Status AddRow(size_t row, const TensorView& part);
    std::string_view data() const { return joined ? *joined : first; }

    std::string_view name;
    DataType datatype = DataType::kInvalid;
    absl::InlinedVector<int64_t, 4> shape;
    std::string_view first;             // the first row's data
    std::optional<std::string> joined;  // all rows', where there are several
  };
  using Rows = absl::InlinedVector<DecodedTensors, 1>;
  using Outputs = absl::InlinedVector<OutputTensor, 1>;

  absl::Status Respond() override;

  absl::Status ReadTensors(const CatalogModel& model);
  void AskByRows(const TargetPtr& target, int64_t rows);

  // The rows' answers. INTERNAL for what is none.
  absl::StatusOr<Rows> DecodeRows() const;
  // The outputs, with the rows' in order; views of `rows`. INTERNAL where those do not fit
  // together.
  absl::StatusOr<Outputs> JoinRows(const Rows& rows) const;
  void WriteResponse(const Outputs& outputs, uint64_t cost_ns, MessageWriter& out) const;
  void AddCacheMetadata();

  grpc::ByteBuffer* const response_;
  RequestArena arena_;
  inference::ModelInferRequest* request_ = nullptr;  // the arena's
  CatalogModelPtr model_;
  std::optional<ValidInference> valid_;    // where the model's configuration is known
  std::optional<MessageTensors> tensors_;  // where it is not
  absl::Span<const TensorView> inputs_;
  std::vector<std::vector<int64_t>> row_shapes_;  // of the inputs
};

}  // namespace souvenir::gateway
