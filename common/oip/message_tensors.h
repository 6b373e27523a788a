#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"
#include "inference/grpc_service.pb.h"

namespace souvenir {

// The tensors of an Open Inference Protocol message, validated, in raw form. They are views into
// the message; typed contents are converted and kept here. Move-only; not thread-safe to build,
// safe to read from many threads.
class MessageTensors {
 public:
  // Of a request or an answer, raw or typed. The message must outlive the result.
  // An error names the tensor, what came and what was expected: an unknown datatype, a name that is
  // empty or comes twice, raw and typed contents both, a count or length that does not match the
  // shape, contents in another datatype's list, FP16 or BF16 that is typed. INVALID_ARGUMENT for a
  // request; INTERNAL for an answer, which is no fault of whoever asked.
  static absl::StatusOr<MessageTensors> FromRequest(const inference::ModelInferRequest& request);
  static absl::StatusOr<MessageTensors> FromResponse(const inference::ModelInferResponse& response);

  MessageTensors(MessageTensors&&) = default;
  MessageTensors& operator=(MessageTensors&&) = default;

  // In the order of the message.
  absl::Span<const TensorView> tensors() const { return tensors_; }

 private:
  MessageTensors() = default;

  template <typename Tensors, typename RawContents>
  static absl::StatusOr<MessageTensors> From(const Tensors& tensors, const RawContents& raw);

  std::vector<TensorView> tensors_;
  // Raw forms of typed contents; addresses stay, because it is reserved for all of them at once.
  std::vector<std::string> converted_;
};

// Appends `tensors`, in raw form.
void AppendInputs(absl::Span<const TensorView> tensors, inference::ModelInferRequest* request);
void AppendOutputs(absl::Span<const TensorView> tensors, inference::ModelInferResponse* response);
// The same without copying their bytes.
void AppendOutputs(std::vector<Tensor> tensors, inference::ModelInferResponse* response);

}  // namespace souvenir
