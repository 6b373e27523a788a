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
  // An output of the whole batch.
  struct OutputTensor {
    // INTERNAL where it does not fit to those before.
    absl::Status AddRow(size_t row, const TensorView& part);
    std::string_view data() const { return joined ? *joined : first; }

    std::string_view name;
    DataType datatype = DataType::kInvalid;
    absl::InlinedVector<int64_t, 4> shape;
    std::string_view first;             // the first row's data, an entry's
    std::optional<std::string> joined;  // all rows', where there are several
  };
  // What there is to respond; views of the call's entries.
  struct Outputs {
    absl::InlinedVector<OutputTensor, 1> tensors;
    uint64_t cost_ns = 0;
  };

  // Reads the request. INVALID_ARGUMENT for bytes that are none.
  absl::Status Parse(const grpc::ByteBuffer& bytes);

  // Makes the questions of `call`. REQUIRES: Parse() has succeeded. NOT_FOUND for an unknown model;
  // INVALID_ARGUMENT, with what came and what is expected, for what the model does not take.
  absl::Status Ask(CallOptions read, const Catalog& catalog, const TargetDirectory& targets,
                   ResolveCall* call);

  // Puts the answers together. The first answer's error, where there is one; INTERNAL where they do
  // not fit together. REQUIRES: all questions of `call` have been answered.
  absl::StatusOr<Outputs> Join(const ResolveCall& call) const;

  // Writes the fields of the ModelInferResponse.
  void Write(const ResolveCall& call, const Outputs& outputs, MessageWriter& out) const;

  // Empty before Parse() has succeeded.
  std::string_view id() const { return request_ != nullptr ? request_->id() : std::string_view(); }

 private:
  using Rows = absl::InlinedVector<DecodedTensors, 1>;

  absl::Status ReadTensors(const CatalogModel& model);
  void AskByRows(const TargetPtr& target, int64_t rows, Questions* questions);

  // The rows' answers. INTERNAL for what is none.
  static absl::StatusOr<Rows> DecodeRows(const ResolveCall& call);
  // The outputs, with the rows' in order. INTERNAL where those do not fit together.
  absl::StatusOr<absl::InlinedVector<OutputTensor, 1>> JoinRows(const Rows& rows) const;

  RequestArena arena_;
  inference::ModelInferRequest* request_ = nullptr;  // the arena's
  CatalogModelPtr model_;
  std::optional<ValidInference> valid_;    // where the model's configuration is known
  std::optional<MessageTensors> tensors_;  // where it is not
  absl::Span<const TensorView> inputs_;
  std::vector<std::vector<int64_t>> row_shapes_;  // of the inputs
};

}  // namespace souvenir::gateway
