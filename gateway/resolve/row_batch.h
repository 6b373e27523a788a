#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// A batch for a row-exact model becomes one question for each row, so that each row is answered
// from the cache by itself, and the answers are joined in order. Any other request is one question.

// Returns true if a request with these valid inputs becomes questions by rows. A batch above the
// model's limit does not: it is not split, and the model's server refuses it.
bool AsksByRows(const CatalogModel& model, absl::Span<const TensorView> inputs);

// Makes the questions of a request. Owns the shapes that they are views of, so that it must outlive
// them. Not thread-safe.
class RowBatch {
 public:
  // Appends the questions to `questions`. Called once. `inputs` must outlive the questions, the
  // bytes as well as the shapes. REQUIRES: target->by_rows() is what AsksByRows() returns.
  void Ask(const TargetPtr& target, absl::Span<const TensorView> inputs, Questions* questions);

 private:
  std::vector<std::vector<int64_t>> row_shapes_;  // of the inputs
};

// The joined answers to the questions of a request. Not thread-safe.
class JoinedAnswers {
 public:
  // Joins the answers of all questions of `call`, which must outlive this, with the outputs `names`
  // in this order. Called once. Returns the error of the first answer that failed; INTERNAL if the
  // answers do not fit together, or lack an output; RESOURCE_EXHAUSTED if they have more than
  // `most_bytes`. REQUIRES: all questions have been answered.
  absl::Status Join(const ResolveCall& call, absl::Span<const std::string_view> names,
                    size_t most_bytes);

  // Views of the call's entries and of this.
  absl::Span<const TensorView> outputs() const { return outputs_; }
  // What the answers cost when they were computed.
  absl::Duration cost() const { return cost_; }

 private:
  absl::Status JoinRows(const ResolveCall& call);

  absl::InlinedVector<TensorView, 1> outputs_;
  absl::Duration cost_;
  DecodedTensors first_row_;
  std::vector<Tensor> joined_;  // the outputs of several rows
};

}  // namespace souvenir::gateway
