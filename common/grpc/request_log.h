#pragma once

#include <grpcpp/support/status.h>

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/clock.h"
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
      : slow_(slow > absl::ZeroDuration() ? slow : absl::InfiniteDuration()), clock_(clock) {}

  // Whether there is to be a line: asked before its fields are gathered. Cheap.
  bool Wants(grpc::StatusCode code, absl::Duration took) const;

  struct Request {
    std::string_view method;
    grpc::StatusCode code;
    absl::Duration took;
    const TraceContext& trace;
  };

  // Writes a line with `more`: in what model, and in which stages the time went. REQUIRES: Wants().
  void Write(const Request& request, std::vector<LogField> more);

 private:
  // Whether another warning may be written now, and how many were left out before it.
  bool MayWarn(uint64_t* left_out);

  const absl::Duration slow_;
  const Clock* const clock_;
  std::atomic<int64_t> second_{-1};  // that warned_ is of
  std::atomic<uint64_t> warned_{0};  // in that second
  std::atomic<uint64_t> left_out_{0};
};

// What a request brought with it.
TraceContext TraceOf(const grpc::ServerContextBase& context);

// For fields of a log.
inline double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

}  // namespace souvenir
