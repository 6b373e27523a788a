#include "gateway/rpc/resolved_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/grpc/status.h"

namespace souvenir::gateway {
namespace {

// Returns the status of the first answer that failed through the service's fault, or `otherwise`.
const absl::Status& FirstFault(const ResolvedCalls& calls, const absl::Status& otherwise) {
  for (const ResolveCall* const call : calls) {
    for (size_t i = 0; i < call->questions.size(); ++i) {
      const absl::Status& status = call->answer(i).status;
      if (!status.ok() && IsServersFault(static_cast<grpc::StatusCode>(status.code()))) {
        return status;
      }
    }
  }
  return otherwise;
}

size_t RowsOf(const ResolvedCalls& calls) {
  size_t rows = 0;
  for (const ResolveCall* const call : calls) rows += call->questions.size();
  return rows;
}

// Returns the longest time that a stage took. Calls that follow one another count once, like rows
// that are answered side by side.
absl::Duration LongestOf(const ResolvedCalls& calls, Stage stage) {
  absl::Duration longest;
  for (const ResolveCall* const call : calls) longest = std::max(longest, call->stages.of(stage));
  return longest;
}

}  // namespace

std::string CountKinds(const ResolvedCalls& resolved) {
  // A short cut: every answer has this text, and most have one row.
  if (resolved.size() == 1 && resolved[0]->questions.size() == 1) {
    return std::string(CacheKindName(resolved[0]->answer(0).kind)) + "=1";
  }
  std::array<size_t, kCacheKinds> rows{};
  for (const ResolveCall* const call : resolved) {
    for (size_t i = 0; i < call->questions.size(); ++i) {
      ++rows[static_cast<size_t>(call->answer(i).kind)];
    }
  }
  std::string kinds;
  for (size_t kind = 0; kind < rows.size(); ++kind) {
    if (rows[kind] == 0) continue;
    if (!kinds.empty()) kinds += ',';
    kinds.append(CacheKindName(static_cast<CacheKind>(kind))).append("=");
    kinds.append(std::to_string(rows[kind]));
  }
  return kinds;
}

grpc::Status EndResolved(RpcCall* call, const TraceContext& trace, const ResolvedCalls& resolved,
                         const absl::Status& status, const CallParts& parts) {
  const absl::Duration took = call->Count(status);
  const bool has_answers =
      !resolved.empty() && resolved[0]->was_resolved() && !resolved[0]->questions.empty();
  if (has_answers && IsRemembered(parts.latency->Record(resolved, took))) {
    resolved[0]->questions[0].target->model().counters->CountHitTime(took);
  }
  const absl::Status counted = call->Counted(status);
  std::string kinds;  // must outlive the line of log
  call->Log(counted.ok() && has_answers ? FirstFault(resolved, counted) : counted, took, [&] {
    RpcCall::Notes notes{.trace = trace};
    if (has_answers) {
      kinds = CountKinds(resolved);
      notes.fields.emplace_back("model", resolved[0]->questions[0].target->model().name());
      notes.fields.emplace_back("rows", RowsOf(resolved));
      notes.fields.emplace_back("answered", kinds);
    }
    // The rest of the total is reading the request, the lookup in memory, and waiting for flights
    // of other calls.
    for (const auto& [name, stage] : {std::pair("disk_ms", Stage::kDisk),
                                      {"upstream_ms", Stage::kUpstream},
                                      {"compute_ms", Stage::kCompute}}) {
      const absl::Duration longest = LongestOf(resolved, stage);
      if (longest > absl::ZeroDuration()) notes.fields.emplace_back(name, Milliseconds(longest));
    }
    return notes;
  });
  call->Leave();
  return ToGrpcStatus(status);
}

}  // namespace souvenir::gateway
