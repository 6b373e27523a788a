#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"
#include "inference/grpc_service.pb.h"

namespace souvenir {

// The validated tensors of an Open Inference Protocol message, in raw form. They are views into the
// message; typed contents are converted and kept here. Move-only. Immutable, so that many threads
// may read it.
class MessageTensors {
 public:
  // Read the tensors of a request or an answer, raw or typed. The message must outlive the result.
  // An error names the tensor, its fault and the expected form. It is INVALID_ARGUMENT for a
  // request, and INTERNAL for an answer, since the caller is not at fault. Faults are: an unknown
  // datatype; a name that is empty or given twice; both raw and typed contents; a number of
  // elements or bytes that contradicts the shape; contents in the list of another datatype; typed
  // FP16 or BF16.
  static absl::StatusOr<MessageTensors> FromRequest(const inference::ModelInferRequest& request);
  static absl::StatusOr<MessageTensors> FromResponse(const inference::ModelInferResponse& response);

  MessageTensors(MessageTensors&&) = default;
  MessageTensors& operator=(MessageTensors&&) = default;

  // Returns the tensors in the order of the message.
  absl::Span<const TensorView> tensors() const { return tensors_; }

 private:
  MessageTensors() = default;

  template <typename Tensors, typename RawContents>
  static absl::StatusOr<MessageTensors> From(const Tensors& tensors, const RawContents& raw);

  std::vector<TensorView> tensors_;
  // Raw forms of typed contents. Their addresses are stable, because room is reserved for all.
  std::vector<std::string> converted_;
};

// Append `tensors` to a message in raw form.
void AppendInputs(absl::Span<const TensorView> tensors, inference::ModelInferRequest* request);
void AppendOutputs(absl::Span<const TensorView> tensors, inference::ModelInferResponse* response);
// Appends `tensors` and moves their bytes instead of copying them.
void AppendOutputs(std::vector<Tensor> tensors, inference::ModelInferResponse* response);

}  // namespace souvenir
