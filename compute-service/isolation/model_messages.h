#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// What the service and a model's worker program say to each other, inside the messages of
// worker_protocol.h. Both are built together, so the format has no version.

// The program's arguments, which say what to load: version, directory, configuration as text.
// INVALID_ARGUMENT where the configuration is too large for a command line.
absl::StatusOr<std::vector<std::string>> WorkerArguments(const ModelDescription& description);
absl::StatusOr<ModelDescription> ReadWorkerArguments(int argc, const char* const* argv);

// A request: the names of the outputs, and the inputs.
std::string EncodeWorkerRequest(const InferenceRequest& request);

// A request, read. Its views are into the bytes it was read from, which must outlive it.
class WorkerRequest {
 public:
  // DATA_LOSS for what is no request.
  static absl::StatusOr<WorkerRequest> Decode(std::string_view bytes);

  // Views into this object; without limits of time, which the service keeps.
  InferenceRequest request() const;

 private:
  std::vector<std::string> outputs_;
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<TensorView> inputs_;
};

// An answer: the outputs, in the order asked for.
std::string EncodeWorkerOutputs(absl::Span<const Tensor> outputs);

// INTERNAL where they are not those asked for, or no valid tensors: a worker is not trusted.
absl::StatusOr<std::vector<Tensor>> DecodeWorkerOutputs(std::string_view bytes,
                                                        absl::Span<const std::string> outputs);

}  // namespace souvenir::compute
