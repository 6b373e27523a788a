#include "common/grpc/request_log.h"

#include <grpcpp/server_context.h>

#include <string>

#include "absl/status/status.h"
#include "common/grpc/status.h"

namespace souvenir {
namespace {

constinit Logger log{"request"};

}  // namespace

bool RequestLog::Wants(grpc::StatusCode code, absl::Duration took) const {
  return took >= slow_ || IsServersFault(code) || log.Writes(LogLevel::kDebug);
}

void RequestLog::Write(const Request& request, std::vector<LogField> more) {
  const bool slow = request.took >= slow_;
  const bool failed = IsServersFault(request.code);
  uint64_t left_out = 0;
  if ((slow || failed) && !limit_.Allows(&left_out)) return;

  const std::string code = absl::StatusCodeToString(static_cast<absl::StatusCode>(request.code));
  const std::string trace = request.trace.trace_id();
  std::vector<LogField> fields = {
      {"method", request.method}, {"code", code}, {"total_ms", Milliseconds(request.took)}};
  fields.insert(fields.end(), more.begin(), more.end());
  if (!request.detail.empty()) fields.emplace_back("detail", request.detail);
  if (!trace.empty()) fields.emplace_back("trace_id", trace);
  if (!request.trace.request_id().empty()) {
    fields.emplace_back("request_id", request.trace.request_id());
  }
  if (left_out > 0) fields.emplace_back("left_out", left_out);
  const LogLevel level = slow || failed ? LogLevel::kWarning : LogLevel::kDebug;
  log.Write(level, failed ? "request failed" : slow ? "request was slow" : "request", fields);
}

TraceContext TraceOf(const grpc::ServerContextBase& context) {
  TraceContext trace;
  for (const auto& [name, value] : context.client_metadata()) {
    trace.Take({name.data(), name.size()}, {value.data(), value.size()});
  }
  return trace;
}

}  // namespace souvenir
