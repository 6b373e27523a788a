#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// The messages between the service and a model's worker program, inside those of worker_protocol.h.
// Both sides are built together, so the format has no version.

// Convert a description to and from the arguments of the worker program: version, directory, and
// configuration as text. INVALID_ARGUMENT if the configuration is too large for a command line, or
// the arguments are not a description.
absl::StatusOr<std::vector<std::string>> WorkerArguments(const ModelDescription& description);
absl::StatusOr<ModelDescription> ReadWorkerArguments(int argc, const char* const* argv);

// Encodes a request: the names of the outputs, then the inputs.
std::string EncodeWorkerRequest(const InferenceRequest& request);

// A decoded request. It refers to the encoded bytes, which must outlive it. Not thread-safe.
class WorkerRequest {
 public:
  // DATA_LOSS if the bytes are not a request.
  static absl::StatusOr<WorkerRequest> Decode(std::string_view bytes);

  // Returns views into this object. They have no time limit, because the service enforces it.
  InferenceRequest request() const;

 private:
  std::vector<std::string> outputs_;
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<TensorView> inputs_;
};

// Encodes an answer: the outputs, in the order of the request.
std::string EncodeWorkerOutputs(absl::Span<const Tensor> outputs);

// Decodes an answer to a request for `outputs`. Workers are not trusted: INTERNAL if the answer has
// other outputs or an invalid tensor.
absl::StatusOr<std::vector<Tensor>> DecodeWorkerOutputs(std::string_view bytes,
                                                        absl::Span<const std::string> outputs);

}  // namespace souvenir::compute
