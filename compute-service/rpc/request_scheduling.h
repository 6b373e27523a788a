#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "compute-service/repository/model_settings.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// What a request's parameters say of when it is to run.
struct RequestScheduling {
  int priority;            // a level of the model's; 1 is the most urgent
  absl::Duration timeout;  // how long it may wait; infinite: for ever
};

// Reads `priority`, where 0 is the model's default and what is beyond its levels the least urgent,
// and `timeout` in microseconds, where 0 is none. INVALID_ARGUMENT where one of them is no number
// of that sort.
absl::StatusOr<RequestScheduling> ReadScheduling(const inference::ModelInferRequest& request,
                                                 const ModelSettings& settings);

}  // namespace souvenir::compute
