#include "gateway/rpc/latency_by_kind.h"

#include <algorithm>
#include <string>

namespace souvenir::gateway {
namespace {

// Sorted from the kind that usually takes longest. No answer is kShared yet.
constexpr CacheKind kBySlowness[] = {CacheKind::kMiss,  CacheKind::kBypass, CacheKind::kCoalesced,
                                     CacheKind::kDisk,  CacheKind::kStale,  CacheKind::kNegative,
                                     CacheKind::kMemory};

size_t Slowness(CacheKind kind) {
  return static_cast<size_t>(std::find(std::begin(kBySlowness), std::end(kBySlowness), kind) -
                             std::begin(kBySlowness));
}

}  // namespace

CacheKind LatencyByKind::Record(const ResolvedCalls& calls, absl::Duration took) {
  CacheKind slowest = calls[0]->answer(0).kind;
  for (const ResolveCall* const call : calls) {
    for (size_t i = 0; i < call->questions.size(); ++i) {
      const CacheKind kind = call->answer(i).kind;
      if (kind != slowest && Slowness(kind) < Slowness(slowest)) slowest = kind;
    }
  }
  by_kind_[static_cast<size_t>(slowest)].Record(took);
  return slowest;
}

void LatencyByKind::Collect(MetricWriter& writer) const {
  for (const CacheKind kind : kBySlowness) {
    writer.Histogram("souvenir_gateway_answer_seconds",
                     "Time from a request's arrival to its answer, by how its slowest row was "
                     "answered.",
                     {{"kind", std::string(CacheKindName(kind))}},
                     by_kind_[static_cast<size_t>(kind)].Snapshot());
  }
}

}  // namespace souvenir::gateway
