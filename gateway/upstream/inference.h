#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"
#include "common/trace_context.h"
#include "gateway/upstream/parameter.h"

namespace souvenir::gateway {

// A call of a model, without any protocol. Owns its bytes, so that the call can be made again.
struct Inference {
  std::string model;
  std::string version;  // as asked for; "" means the newest
  std::vector<Parameter> parameters;
  int64_t priority = 0;              // 1 is the most urgent; 0 means the model's default
  std::vector<std::string> outputs;  // names of the outputs asked for; empty means all
  std::vector<Tensor> inputs;        // the rows of all callers, joined along the first dimension
  size_t rows = 1;                   // rows that can be asked for one by one, if the call fails

  // The version and the digest that the catalog has. A server answers with its own model, whatever
  // these say. Among several servers, those that have the digest are asked first.
  std::string known_version;
  std::string known_digest;

  TraceContext trace;  // trace of the request for which the call is made
};

// The answer of a model: its tensors, and the server's figures about the computation.
struct InferenceAnswer {
  absl::Span<const TensorView> outputs;  // valid tensors, views of `message`
  std::string digest;  // digest of the model that answered; "" if the server has none
  std::optional<absl::Duration> compute_time;  // for all rows; absent if the server does not say
  // Time for which the call waited for an instance; absent if the server does not say.
  std::optional<absl::Duration> queue_time;
  int64_t instances = 0;  // present instances of the model; 0 if the server does not say
  std::shared_ptr<const void> message;  // keeps the bytes of `outputs`
};

}  // namespace souvenir::gateway
