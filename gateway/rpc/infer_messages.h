#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/oip/valid_inference.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/resolve/row_batch.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/message_writer.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/target_directory.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// One ModelInferRequest on its way to a ModelInferResponse. A batch for a row-exact model becomes
// one question for each row, and the answers are joined in order. Any other request is one
// question.
//
// Must outlive the questions that it makes, which are views of it. Not thread-safe.
class InferMessages {
 public:
  // Reads the request. Returns the errors of ParseMessage(). The response, too, may have
  // `most_bytes`.
  absl::Status Parse(const grpc::ByteBuffer& bytes, size_t most_bytes);

  // Sets the options of `call` and makes its questions. REQUIRES: Parse() has succeeded.
  // UNAVAILABLE if compute has never answered; NOT_FOUND for an unknown model; INVALID_ARGUMENT,
  // with what came and what is expected, for a request that the model does not take.
  absl::Status Ask(CallOptions read, const Catalog& catalog, const TargetDirectory& targets,
                   ResolveCall* call);

  // Joins the answers. Returns the error of the first answer that failed; INTERNAL if the answers
  // do not fit together; RESOURCE_EXHAUSTED if they are too large for a response. REQUIRES: all
  // questions of `call` have been answered.
  absl::Status Join(const ResolveCall& call);

  // Writes the fields of the ModelInferResponse. REQUIRES: Join() has succeeded.
  void Write(const ResolveCall& call, MessageWriter& out) const;

  // Returns the request's id; empty before Parse() has succeeded.
  std::string_view id() const { return request_ != nullptr ? request_->id() : std::string_view(); }

 private:
  absl::Status ReadTensors(const CatalogModel& model);
  // Returns the target of the request. Parameters for the gateway itself go into `options`.
  absl::StatusOr<TargetPtr> FindTarget(std::string tenant, bool by_rows,
                                       const TargetDirectory& targets,
                                       ResolveOptions* options) const;

  size_t most_bytes_ = 0;
  RequestArena arena_;
  inference::ModelInferRequest* request_ = nullptr;  // in `arena_`
  CatalogModelPtr model_;
  std::optional<ValidInference> valid_;    // if the model's configuration is known
  std::optional<MessageTensors> tensors_;  // otherwise
  absl::Span<const TensorView> inputs_;
  RowBatch batch_;
  JoinedAnswers answers_;  // set by Join()
};

}  // namespace souvenir::gateway
