#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/oip/valid_inference.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/message_writer.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/target_directory.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// One ModelInferRequest on its way to a ModelInferResponse. A batch for a model whose rows are
// exact is asked row by row, and its answer put together in order; any other request is one
// question.
//
// Part of the ResolveCall whose questions it makes, which are views of it. Not thread-safe.
class InferMessages {
 public:
  // Reads the request. INVALID_ARGUMENT for bytes that are none.
  absl::Status Parse(const grpc::ByteBuffer& bytes, size_t most_bytes);

  // Makes the questions of `call`. REQUIRES: Parse() has succeeded. NOT_FOUND for an unknown model;
  // INVALID_ARGUMENT, with what came and what is expected, for what the model does not take.
  absl::Status Ask(CallOptions read, const Catalog& catalog, const TargetDirectory& targets,
                   ResolveCall* call);

  // Puts the answers together. The first answer's error, where there is one; INTERNAL where they do
  // not fit together. REQUIRES: all questions of `call` have been answered.
  absl::Status Join(const ResolveCall& call);

  // Writes the fields of the ModelInferResponse. REQUIRES: Join() has succeeded.
  void Write(const ResolveCall& call, MessageWriter& out) const;

  // Empty before Parse() has succeeded.
  std::string_view id() const { return request_ != nullptr ? request_->id() : std::string_view(); }

 private:
  absl::Status ReadTensors(const CatalogModel& model);
  // Whom the request asks, and how; what of its parameters is for us goes into `options`.
  absl::StatusOr<TargetPtr> FindTarget(std::string tenant, bool by_rows,
                                       const TargetDirectory& targets,
                                       ResolveOptions* options) const;
  void AskByRows(const TargetPtr& target, int64_t rows, Questions* questions);

  // Makes `outputs_` those of the first row, which is all there is to a single one.
  absl::Status TakeFirstRow(const ResolveCall& call);
  // Makes `outputs_` those of all rows.
  absl::Status JoinRows(const ResolveCall& call);

  RequestArena arena_;
  inference::ModelInferRequest* request_ = nullptr;  // the arena's
  CatalogModelPtr model_;
  std::optional<ValidInference> valid_;    // where the model's configuration is known
  std::optional<MessageTensors> tensors_;  // where it is not
  absl::Span<const TensorView> inputs_;
  std::vector<std::vector<int64_t>> row_shapes_;  // of the inputs

  // What there is to respond, made by Join(); views of the call's entries and of what follows.
  absl::InlinedVector<TensorView, 1> outputs_;
  absl::Duration cost_;
  DecodedTensors first_row_;
  std::vector<Tensor> joined_;  // the outputs of several rows
};

}  // namespace souvenir::gateway
