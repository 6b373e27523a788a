#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souvenir {

// The identifiers by which a request is found in the logs of all services that took part in it: the
// W3C Trace Context (https://www.w3.org/TR/trace-context/, level 1) in the metadata `traceparent`
// and `tracestate`, and the caller's own id in `x-request-id`.
//
// A malformed header is ignored, as the standard requires, and never a reason to refuse a request.
// A value type; not thread-safe.
class TraceContext {
 public:
  // Reads a header of a request. Returns false if it is none of these headers.
  bool Take(std::string_view name, std::string_view value);

  // Begins a trace if the caller has sent none, so that logs have an id to search for.
  void Begin();

  // Returns names and values of headers for a call made on behalf of the request. Each call of
  // Headers() creates a new span.
  std::vector<std::pair<std::string, std::string>> Headers() const;

  bool has_trace() const { return trace_id_[0] != 0 || trace_id_[1] != 0; }
  std::string trace_id() const;  // 32 hex digits; empty if there is no trace
  const std::string& request_id() const { return request_id_; }  // empty if there is none

 private:
  // Parses "00-<trace id>-<parent id>-<flags>". Returns nullopt if it is malformed.
  static std::optional<TraceContext> ParseParent(std::string_view header);

  std::array<uint64_t, 2> trace_id_{};
  uint8_t flags_ = 0;  // 1 if the caller records the trace
  std::string state_;
  std::string request_id_;
};

}  // namespace souvenir
