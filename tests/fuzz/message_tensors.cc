// Fuzzes the tensors of requests and answers of the Open Inference Protocol.

#include "common/oip/message_tensors.h"

#include <cstdint>
#include <string>
#include <vector>

#include "common/tensor/tensor_codec.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/require.h"

namespace souvenir {
namespace {

bool Same(const TensorView& a, const TensorView& b) {
  return a.name == b.name && a.datatype == b.datatype && a.shape == b.shape && a.data == b.data;
}

void CheckTensors(absl::Span<const TensorView> tensors) {
  const std::string bytes = EncodeTensors(tensors);
  const auto decoded = DecodedTensors::Decode(bytes);
  Require(decoded.ok() && decoded->size() == tensors.size(), "accepted tensors can be encoded");
  for (size_t i = 0; i < tensors.size(); ++i) {
    Require(ValidateTensor(tensors[i]).ok(), "accepted tensors are valid");
    Require(Same((*decoded)[i], tensors[i]), "encoding and decoding keep the tensor");
  }
}

// Checks that both have the same tensors. REQUIRES: both are OK.
void CheckSame(const absl::StatusOr<MessageTensors>& a, const absl::StatusOr<MessageTensors>& b) {
  Require(a->tensors().size() == b->tensors().size(), "a message keeps the number of tensors");
  for (size_t i = 0; i < a->tensors().size(); ++i) {
    Require(Same(a->tensors()[i], b->tensors()[i]), "a message keeps the tensor");
  }
}

void TryRequest(const uint8_t* data, size_t size) {
  inference::ModelInferRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return;
  const auto tensors = MessageTensors::FromRequest(request);
  if (!tensors.ok()) {
    Require(absl::IsInvalidArgument(tensors.status()), "an error is INVALID_ARGUMENT");
    return;
  }
  CheckTensors(tensors->tensors());
  inference::ModelInferRequest written;
  AppendInputs(tensors->tensors(), &written);
  const auto again = MessageTensors::FromRequest(written);
  Require(again.ok(), "a written message can be read");
  CheckSame(again, tensors);
}

void TryResponse(const uint8_t* data, size_t size) {
  inference::ModelInferResponse response;
  if (!response.ParseFromArray(data, static_cast<int>(size))) return;
  const auto tensors = MessageTensors::FromResponse(response);
  if (!tensors.ok()) {
    Require(absl::IsInternal(tensors.status()), "an error of an answer is INTERNAL");
    return;
  }
  CheckTensors(tensors->tensors());
  inference::ModelInferResponse written;
  AppendOutputs(tensors->tensors(), &written);
  const auto again = MessageTensors::FromResponse(written);
  Require(again.ok(), "a written message can be read");
  CheckSame(again, tensors);
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::SilenceProtobuf();
  souvenir::TryRequest(data, size);
  souvenir::TryResponse(data, size);
  return 0;
}
