#include "gateway/rpc/snapshot_calls.h"

#include <fmt/format.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "cache/snapshot.h"
#include "common/grpc/caller.h"
#include "common/grpc/status.h"
#include "common/logging/logging.h"
#include "common/mutex.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/resolve/freshness.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"cache"};
constinit LogLimit ended_limit;
constinit LogLimit exported_limit;
constinit LogLimit imported_limit;

// Large enough to make the cost of a message negligible, and far below the message limit of any
// server.
constexpr size_t kChunkBytes = 256u << 10;

// A stop waits for a caller that is at work, but no longer than this for its next message.
constexpr absl::Duration kIdleAtStop = absl::Milliseconds(200);

absl::Status Busy() {
  return absl::ResourceExhaustedError(
      "the limit of concurrent exports and imports is reached; try again when one has ended");
}

// The base of Export and Import. Runs the call on a thread of the executor, which waits there for
// gRPC. Owned by gRPC.
template <typename Reactor>
class SnapshotCall : public Reactor {
 public:
  SnapshotCall(const SnapshotParts& parts, grpc::CallbackServerContext* context,
               RpcMethodMetrics* metrics)
      : parts_(parts), context_(context), call_(parts.entry, metrics) {}

  void Start() {
    const absl::Status admitted = call_.admitted();
    if (!admitted.ok()) return End(admitted);
    Task task = [this] { End(Run()); };
    if (!parts_.executor->TrySubmit(task)) End(Busy());
  }

  void OnDone() override { delete this; }

 protected:
  virtual absl::Status Run() = 0;

  // Returns the monotonic time until which a caller may be idle that has just made progress.
  absl::Duration EndOfPatience() const {
    return parts_.entry->clock()->Monotonic() + parts_.idle_timeout;
  }

  // Waits for the read or write that was started. Returns false if there will be no more.
  // DEADLINE_EXCEEDED from the monotonic time `end` on, UNAVAILABLE if the caller is idle while the
  // gateway stops; a read may still be under way then.
  absl::StatusOr<bool> WaitForStep(absl::Duration end) {
    const Clock& clock = *parts_.entry->clock();
    const absl::Duration begun = clock.Monotonic();
    {
      MutexLock lock(&mutex_);
      for (;;) {
        if (step_) return *std::exchange(step_, std::nullopt);
        const absl::Duration now = clock.Monotonic();
        if (now >= end) break;
        if (now - begun >= kIdleAtStop && parts_.entry->is_closed()) {
          return parts_.entry->Refusal();
        }
        step_ended_.WaitUntil(&mutex_, clock, std::min(end, now + kIdleAtStop));
      }
    }
    return Idle();
  }

  // Returns the error of a caller that makes no progress.
  absl::Status Idle() const {
    return absl::DeadlineExceededError(
        fmt::format("the caller was idle for {}, or sent or took too little",
                    absl::FormatDuration(parts_.idle_timeout)));
  }

  // Cancels the RPC and waits for its write, which the caller does not take. A status could not go
  // out behind that write.
  void CancelWrite() {
    context_->TryCancel();
    MutexLock lock(&mutex_);
    while (!step_) step_ended_.Wait(&mutex_);
  }

  void EndStep(bool ok) {
    MutexLock lock(&mutex_);
    step_ = ok;
    step_ended_.NotifyOne();
  }

  const SnapshotParts parts_;

 private:
  grpc::CallbackServerContext* const context_;

  // Ends the call. The thread must not use this object afterwards.
  void End(const absl::Status& status) {
    // After DEADLINE_EXCEEDED the RPC may be cancelled, but by CancelWrite() and not by the caller.
    if (!absl::IsDeadlineExceeded(status)) call_.LookForCaller(*context_);
    const grpc::Status ended = call_.End(WithoutPaths(status, Detail::kDrop), [this] {
      return RpcCall::Notes{.trace = TraceOf(*context_)};
    });
    if (absl::IsDeadlineExceeded(status)) {
      log.Warning(ended_limit, "an export or import was ended",
                  {{"method", call_.method()}, {"reason", std::string(status.message())}});
    }
    this->Finish(ended);
  }

  RpcCall call_;
  Mutex mutex_;
  CondVar step_ended_;
  std::optional<bool> step_ ABSL_GUARDED_BY(mutex_);  // once it has ended: true if it succeeded
};

class ExportCall final : public SnapshotCall<grpc::ServerWriteReactor<v1::ExportResponse>> {
 public:
  using SnapshotCall::SnapshotCall;

  void OnWriteDone(bool ok) override { EndStep(ok); }

 private:
  absl::Status Run() override {
    std::string bytes;
    cache::SnapshotWriter snapshot(&bytes);
    absl::Status sent;
    const auto visit = [&](const cache::Entry& entry) {
      if (!IsFresh(entry, *parts_.catalog, *parts_.entry->clock())) return true;
      snapshot.Add(entry);
      if (bytes.size() >= kChunkBytes) sent = Send(&bytes);
      return sent.ok();
    };
    SOUVENIR_RETURN_IF_ERROR(parts_.cache->Export(visit));
    SOUVENIR_RETURN_IF_ERROR(sent);
    snapshot.End();
    SOUVENIR_RETURN_IF_ERROR(Send(&bytes));
    log.Info(exported_limit, "exported", {{"entries", snapshot.entries()}});
    return absl::OkStatus();
  }

  // Sends and empties `bytes`. CANCELLED if the caller has gone; see also WaitForStep().
  absl::Status Send(std::string* bytes) {
    // One entry may be larger than a message is allowed to be.
    for (size_t at = 0; at < bytes->size(); at += kChunkBytes) {
      response_.set_data(bytes->substr(at, kChunkBytes));
      StartWrite(&response_);
      const absl::StatusOr<bool> written = WaitForStep(EndOfPatience());
      if (!written.ok()) {
        CancelWrite();
        return written.status();
      }
      if (!*written) return absl::CancelledError("the caller has gone");
    }
    bytes->clear();
    return absl::OkStatus();
  }

  v1::ExportResponse response_;
};

class ImportCall final : public SnapshotCall<grpc::ServerReadReactor<v1::ImportRequest>> {
 public:
  ImportCall(const SnapshotParts& parts, grpc::CallbackServerContext* context,
             RpcMethodMetrics* metrics, v1::ImportResponse* response)
      : SnapshotCall(parts, context, metrics),
        response_(response),
        reader_([this](cache::Entry::Fields entry) { return Take(std::move(entry)); }) {
    parts.cache->epochs().CopyTo(&epochs_);
  }

  void OnReadDone(bool ok) override { EndStep(ok); }

 private:
  absl::Status Run() override {
    // A caller that sends a byte now and then would keep its thread for ever.
    absl::Duration end = EndOfPatience();
    size_t came = 0;  // bytes since `end` was set
    for (;;) {
      StartRead(&request_);
      const absl::StatusOr<bool> more = WaitForStep(end);
      if (!more.ok()) return WithCount(more.status());
      if (!*more) break;
      SOUVENIR_RETURN_IF_ERROR(WithCount(reader_.Feed(request_.data())));
      came += request_.data().size();
      if (came >= kChunkBytes) {
        came = 0;
        end = EndOfPatience();
      } else if (parts_.entry->clock()->Monotonic() >= end) {
        return WithCount(Idle());
      }
    }
    SOUVENIR_RETURN_IF_ERROR(WithCount(reader_.Finish()));
    response_->set_entries(reader_.entries());
    response_->set_taken(taken_);
    log.Info(imported_limit, "imported", {{"entries", reader_.entries()}, {"taken", taken_}});
    return absl::OkStatus();
  }

  absl::Status Take(cache::Entry::Fields entry) {
    // An entry that a hit cannot read would give its caller an error.
    const bool is_answer = entry.code == absl::StatusCode::kOk;
    if (is_answer ? !DecodedTensors::Decode(entry.value).ok()
                  : entry.code != absl::StatusCode::kInvalidArgument) {
      return absl::DataLossError("an entry is not an answer of a model");
    }
    if (parts_.cache->Import(std::move(entry), epochs_, parts_.entry->clock()->Now())) ++taken_;
    return absl::OkStatus();
  }

  // Returns an error together with the number of entries that were imported before it.
  absl::Status WithCount(const absl::Status& status) const {
    if (status.ok()) return status;
    return absl::Status(status.code(), fmt::format("{}; {} entries before that were imported",
                                                   std::string(status.message()), taken_));
  }

  v1::ImportResponse* const response_;  // owned by gRPC
  cache::EpochTable epochs_;            // as they were when the import began
  cache::SnapshotReader reader_;
  uint64_t taken_ = 0;
  v1::ImportRequest request_;
};

}  // namespace

grpc::ServerWriteReactor<v1::ExportResponse>* StartExport(const SnapshotParts& parts,
                                                          grpc::CallbackServerContext* context,
                                                          RpcMethodMetrics* metrics) {
  auto* const call = new ExportCall(parts, context, metrics);
  call->Start();
  return call;
}

grpc::ServerReadReactor<v1::ImportRequest>* StartImport(const SnapshotParts& parts,
                                                        grpc::CallbackServerContext* context,
                                                        RpcMethodMetrics* metrics,
                                                        v1::ImportResponse* response) {
  auto* const call = new ImportCall(parts, context, metrics, response);
  call->Start();
  return call;
}

}  // namespace souvenir::gateway
