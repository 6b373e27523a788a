#include "common/grpc/rpc_entry.h"

#include <fmt/format.h>

#include <utility>

#include "common/grpc/status.h"
#include "common/status_detail.h"

namespace souvenir {

RpcEntry::RpcEntry(const Options& options)
    : name_(options.name),
      clock_(options.clock),
      metrics_(options.metrics_prefix),
      log_(options.slow, options.clock),
      unread_(options.unread_bytes) {}

void RpcEntry::Close() {
  closed_ = true;
  gate_.Close();
  streams_.Stop();
}

absl::Status RpcEntry::Refusal() const {
  return absl::UnavailableError(fmt::format("the {} is stopping", name_));
}

absl::Status RpcCall::CallerHasGone(const CallerPatience& patience) {
  absl::Status gone = CallerGone(patience, entry_->clock_->Monotonic());
  gone_.store(gone.code(), std::memory_order_relaxed);
  return gone;
}

void RpcCall::LookForCaller(const grpc::ServerContextBase& context) {
  if (context.IsCancelled()) (void)CallerHasGone(MonotonicDeadline(context, *entry_->clock_));
}

absl::Status RpcCall::Counted(const absl::Status& status) const {
  const absl::StatusCode gone = gone_.load(std::memory_order_relaxed);
  return gone == absl::StatusCode::kOk ? status : absl::Status(gone, "");
}

absl::Duration RpcCall::Count(const absl::Status& status) const {
  return timer_.End(static_cast<grpc::StatusCode>(Counted(status).code()));
}

void RpcCall::Log(const absl::Status& status, absl::Duration took, NotesFn notes) const {
  const auto code = static_cast<grpc::StatusCode>(status.code());
  if (!entry_->log_.Wants(code, took)) return;
  Notes noted = notes();
  entry_->log_.Write({.method = timer_.method(),
                      .code = code,
                      .took = took,
                      .trace = noted.trace,
                      .detail = DetailOf(status)},
                     std::move(noted.fields));
}

grpc::Status RpcCall::End(const absl::Status& status, NotesFn notes) {
  Log(Counted(status), Count(status), notes);
  Leave();
  return ToGrpcStatus(status);
}

}  // namespace souvenir
