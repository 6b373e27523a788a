#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "compute-service/repository/model_settings.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// The scheduling of a request, by its parameters and the settings of its model.
struct RequestScheduling {
  int priority;            // one of the model's levels; 1 is the most urgent
  absl::Duration timeout;  // the longest time in the queue; may be infinite
};

// Reads the parameters `priority` and `timeout`. A priority of 0 is the model's default; one beyond
// the model's levels is the least urgent level. The timeout is in microseconds. It can shorten the
// model's own timeout if the model allows that; 0 keeps the model's own. INVALID_ARGUMENT if one of
// them is not an integer of 0 or more.
absl::StatusOr<RequestScheduling> ReadScheduling(const inference::ModelInferRequest& request,
                                                 const ModelSettings& settings);

}  // namespace souvenir::compute
