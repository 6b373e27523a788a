#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "inference/grpc_service.pb.h"

namespace souvenir {

// Returns the value of a request parameter that is an integer of 0 or more, as `priority` and
// `timeout` are. Clients send it as int64 or as uint64. INVALID_ARGUMENT names the parameter, its
// value and the expected values, but never shows a text.
absl::StatusOr<uint64_t> NumberParameter(std::string_view name,
                                         const inference::InferParameter& parameter);

}  // namespace souvenir
