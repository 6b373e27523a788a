#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/trace_context.h"

namespace grpc {
class ServerContextBase;
}

namespace souvenir {

// Writes lines of log about single requests, with the module "request". Requests that were slow, or
// failed through the server's fault, are warnings. All others are lines of level debug. There are
// at most ten warnings a second; the next one says how many were left out.
//
// Owned by a service. Thread-safe.
class RequestLog {
 public:
  // A request that takes `slow` or longer is slow; zero: no request is. The clock must outlive the
  // log.
  RequestLog(absl::Duration slow, const Clock* clock)
      : slow_(slow > absl::ZeroDuration() ? slow : absl::InfiniteDuration()),
        limit_(LogLimit::kDefaultMost, clock) {}

  // Returns true if a request is worth a line. Cheap; called before the fields of the line are
  // gathered.
  bool Wants(grpc::StatusCode code, absl::Duration took) const;

  struct Request {
    std::string_view method;
    grpc::StatusCode code;
    absl::Duration took;
    const TraceContext& trace;
    std::string detail = "";  // of the error; its caller was not told
  };

  // Writes a line with the fields `more`, such as the model and the time of each stage. REQUIRES:
  // Wants() has returned true.
  void Write(const Request& request, std::vector<LogField> more);

 private:
  const absl::Duration slow_;
  LogLimit limit_;  // of warnings
};

// Returns the trace context in the metadata of a request.
TraceContext TraceOf(const grpc::ServerContextBase& context);

// Returns a time for a field of a log.
inline double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

}  // namespace souvenir
