#include "gateway/rpc/resolved_request.h"

#include <array>
#include <utility>

#include "common/grpc/status.h"

namespace souvenir::gateway {
namespace {

// Returns the status of the first answer that failed through the service's fault, or `otherwise`.
const absl::Status& FirstFault(const ResolveCall& call, const absl::Status& otherwise) {
  for (size_t i = 0; i < call.questions.size(); ++i) {
    const absl::Status& status = call.answer(i).status;
    if (!status.ok() && IsServersFault(static_cast<grpc::StatusCode>(status.code()))) {
      return status;
    }
  }
  return otherwise;
}

}  // namespace

std::string CountKinds(const ResolveCall& resolved) {
  // A short cut: every answer has this text, and most have one row.
  if (resolved.questions.size() == 1)
    return std::string(CacheKindName(resolved.answer(0).kind)) + "=1";
  std::array<size_t, kCacheKinds> rows{};
  for (size_t i = 0; i < resolved.questions.size(); ++i) {
    ++rows[static_cast<size_t>(resolved.answer(i).kind)];
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

grpc::Status EndResolved(RpcCall* call, const ResolveCall& resolved, const absl::Status& status,
                         const CallParts& parts) {
  const absl::Duration took = call->Count(status);
  const bool has_answers = resolved.was_resolved() && !resolved.questions.empty();
  if (has_answers && IsRemembered(parts.latency->Record(resolved, took))) {
    resolved.questions[0].target->model().counters->CountHitTime(took);
  }
  const absl::Status counted = call->Counted(status);
  std::string kinds;  // must outlive the line of log
  call->Log(counted.ok() && has_answers ? FirstFault(resolved, counted) : counted, took, [&] {
    RpcCall::Notes notes{.trace = resolved.options.trace};
    if (has_answers) {
      kinds = CountKinds(resolved);
      notes.fields.emplace_back("model", resolved.questions[0].target->model().name());
      notes.fields.emplace_back("rows", resolved.questions.size());
      notes.fields.emplace_back("answered", kinds);
    }
    // The rest of the total is reading the request, the lookup in memory, and waiting for flights
    // of other calls.
    for (const auto& [name, stage] : {std::pair("disk_ms", Stage::kDisk),
                                      {"upstream_ms", Stage::kUpstream},
                                      {"compute_ms", Stage::kCompute}}) {
      const absl::Duration longest = resolved.stages.of(stage);
      if (longest > absl::ZeroDuration()) notes.fields.emplace_back(name, Milliseconds(longest));
    }
    return notes;
  });
  call->Leave();
  return ToGrpcStatus(status);
}

}  // namespace souvenir::gateway
