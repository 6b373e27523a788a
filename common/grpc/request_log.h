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

// Lines of log about single requests, module "request": those that were slow or failed for the
// server's sake as warnings, all of them at level debug. Of warnings there are ten a second at
// most; the next one says how many were left out.
//
// Owned by a service. Thread-safe.
class RequestLog {
 public:
  // `slow` is what takes too long; zero: nothing does. The clock outlives it.
  RequestLog(absl::Duration slow, const Clock* clock)
      : slow_(slow > absl::ZeroDuration() ? slow : absl::InfiniteDuration()),
        limit_(LogLimit::kDefaultMost, clock) {}

  // Whether there is to be a line: asked before its fields are gathered. Cheap.
  bool Wants(grpc::StatusCode code, absl::Duration took) const;

  struct Request {
    std::string_view method;
    grpc::StatusCode code;
    absl::Duration took;
    const TraceContext& trace;
    std::string detail = "";  // of the error: what its caller was not told
  };

  // Writes a line with `more`: in what model, and in which stages the time went. REQUIRES: Wants().
  void Write(const Request& request, std::vector<LogField> more);

 private:
  const absl::Duration slow_;
  LogLimit limit_;  // of warnings
};

// What a request brought with it.
TraceContext TraceOf(const grpc::ServerContextBase& context);

// For fields of a log.
inline double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

}  // namespace souvenir
