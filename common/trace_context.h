#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souvenir {

// By what a request is found in the logs of all that took part in it: W3C Trace Context
// (https://www.w3.org/TR/trace-context/, level 1) in the metadata `traceparent` and `tracestate`,
// and a caller's own name for it in `x-request-id`.
//
// A header that is malformed is left out of account, as the standard asks: it is no reason to
// refuse a request. A value; not thread-safe to change.
class TraceContext {
 public:
  // Takes one header of a request in; false for one that is none of these.
  bool Take(std::string_view name, std::string_view value);

  // Begins a trace where the caller has none, so that there is something to look for.
  void Begin();

  // Headers, by name, of what is asked for the request's sake: a span of its own at each call.
  std::vector<std::pair<std::string, std::string>> Headers() const;

  bool has_trace() const { return trace_id_[0] != 0 || trace_id_[1] != 0; }
  std::string trace_id() const;  // 32 hex digits; empty where there is none
  const std::string& request_id() const { return request_id_; }  // empty where there is none

 private:
  // "00-<trace id>-<parent id>-<flags>"; nothing where it is malformed.
  static std::optional<TraceContext> ParseParent(std::string_view header);

  std::array<uint64_t, 2> trace_id_{};
  uint8_t flags_ = 0;  // 1: the caller records the trace
  std::string state_;
  std::string request_id_;
};

}  // namespace souvenir
