#include "gateway/rpc/resolved_request.h"

#include <array>
#include <utility>
#include <vector>

#include "common/grpc/caller.h"
#include "common/grpc/status.h"
#include "common/status_detail.h"

namespace souvenir::gateway {
namespace {

// The first answer that failed for our sake; `otherwise` where none did.
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

std::string CountKinds(const ResolveCall& call) {
  // Every answer says it, and most are of one row.
  if (call.questions.size() == 1) return std::string(CacheKindName(call.answer(0).kind)) + "=1";
  std::array<size_t, kCacheKinds> rows{};
  for (size_t i = 0; i < call.questions.size(); ++i) {
    ++rows[static_cast<size_t>(call.answer(i).kind)];
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

absl::Status CallerGone(const RpcTimer& timer, const ResolveCall& call, const Clock& clock) {
  return souvenir::CallerGone({timer.begun(), call.options.deadline}, clock.Monotonic());
}

void EndRequest(const RpcTimer& timer, const ResolveCall& call, const absl::Status& status,
                const CallParts& parts) {
  const absl::Duration took = timer.End(static_cast<grpc::StatusCode>(status.code()));
  const bool has_answers = call.was_resolved() && !call.questions.empty();
  if (has_answers && IsRemembered(parts.latency->Record(call, took))) {
    call.questions[0].target->model().counters->CountHitTime(took);
  }
  const absl::Status& worst = status.ok() && has_answers ? FirstFault(call, status) : status;
  const auto code = static_cast<grpc::StatusCode>(worst.code());
  if (!parts.log->Wants(code, took)) return;
  std::vector<LogField> fields;
  std::string kinds;
  if (has_answers) {
    kinds = CountKinds(call);
    fields.emplace_back("model", call.questions[0].target->model().name());
    fields.emplace_back("rows", call.questions.size());
    fields.emplace_back("answered", kinds);
  }
  // What is left of the total is reading the request, memory, and waiting for the flights of
  // others.
  for (const auto& [name, stage] : {std::pair("disk_ms", Stage::kDisk),
                                    {"upstream_ms", Stage::kUpstream},
                                    {"compute_ms", Stage::kCompute}}) {
    const absl::Duration longest = call.stages.of(stage);
    if (longest > absl::ZeroDuration()) fields.emplace_back(name, Milliseconds(longest));
  }
  parts.log->Write({.method = timer.method(),
                    .code = code,
                    .took = took,
                    .trace = call.options.trace,
                    .detail = DetailOf(worst)},
                   std::move(fields));
}

}  // namespace souvenir::gateway
