#include "compute-service/rpc/request_scheduling.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "common/oip/number_parameter.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

// Returns the value of a parameter; 0 if it is absent.
absl::StatusOr<uint64_t> NumberOf(const inference::ModelInferRequest& request,
                                  const std::string& name) {
  const auto found = request.parameters().find(name);
  if (found == request.parameters().end()) return 0;
  return NumberParameter(name, found->second);
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
