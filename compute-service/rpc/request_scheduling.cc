#include "compute-service/rpc/request_scheduling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

// A parameter that is a number from 0; 0 where it is absent. Clients send either type.
absl::StatusOr<uint64_t> NumberOf(const inference::ModelInferRequest& request,
                                  const std::string& name) {
  const auto found = request.parameters().find(name);
  if (found == request.parameters().end()) return 0;
  const inference::InferParameter& value = found->second;
  if (value.has_uint64_param()) return value.uint64_param();
  if (value.has_int64_param() && value.int64_param() >= 0) {
    return static_cast<uint64_t>(value.int64_param());
  }
  return absl::InvalidArgumentError(
      fmt::format("parameter '{}': {} came, a number from 0 is expected", name,
                  value.has_int64_param() ? std::to_string(value.int64_param()) : "another type"));
}

}  // namespace

absl::StatusOr<RequestScheduling> ReadScheduling(const inference::ModelInferRequest& request,
                                                 const ModelSettings& settings) {
  SOUVENIR_ASSIGN_OR_RETURN(const uint64_t priority, NumberOf(request, "priority"));
  SOUVENIR_ASSIGN_OR_RETURN(const uint64_t timeout, NumberOf(request, "timeout"));
  RequestScheduling scheduling{settings.default_priority, settings.queue_timeout};
  if (priority > 0) {
    scheduling.priority = static_cast<int>(
        std::min<uint64_t>(priority, static_cast<uint64_t>(settings.priority_levels)));
  }
  if (timeout > 0 && settings.allow_timeout_override) {
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    scheduling.timeout = std::min(
        scheduling.timeout, absl::Microseconds(static_cast<int64_t>(std::min(timeout, kMost))));
  }
  return scheduling;
}

}  // namespace souvenir::compute
