#include "gateway/rpc/snapshot_calls.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "cache/snapshot.h"
#include "common/grpc/status.h"
#include "common/logging/logging.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/resolve/freshness.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"cache"};

// Large enough that a message's own cost is nothing, small against what any server lets in.
constexpr size_t kChunkBytes = 256u << 10;

absl::Status Busy() {
  return absl::ResourceExhaustedError(
      "as many exports and imports as may be are under way; try again when one has ended");
}

// What Export and Import have in common: the thread of the executor that runs the call, and how it
// waits there for gRPC. Owned by gRPC.
template <typename Reactor>
class SnapshotCall : public Reactor {
 public:
  SnapshotCall(const SnapshotParts& parts, RpcMethodMetrics* metrics)
      : parts_(parts), timer_(metrics, parts.clock) {}

  void Start() {
    Task task = [this] { End(Run()); };
    if (!parts_.executor->TrySubmit(task)) End(Busy());
  }

  void OnDone() override { delete this; }

 protected:
  virtual absl::Status Run() = 0;

  // Waits for the read or write that was started; false where there will be no more.
  bool WaitForStep() {
    MutexLock lock(&mutex_);
    while (!step_) step_ended_.Wait(&mutex_);
    return *std::exchange(step_, std::nullopt);
  }

  void EndStep(bool ok) {
    MutexLock lock(&mutex_);
    step_ = ok;
    step_ended_.NotifyOne();
  }

  const SnapshotParts parts_;

 private:
  // The last thing the call's thread does with it.
  void End(const absl::Status& status) {
    const grpc::Status ended = ToGrpcStatus(status);
    timer_.End(ended);
    this->Finish(ended);
  }

  const RpcTimer timer_;
  Mutex mutex_;
  CondVar step_ended_;
  std::optional<bool> step_ ABSL_GUARDED_BY(mutex_);  // what came of it, once it has ended
};

class ExportCall final : public SnapshotCall<grpc::ServerWriteReactor<v1::ExportResponse>> {
 public:
  using SnapshotCall::SnapshotCall;

  void OnWriteDone(bool ok) override { EndStep(ok); }

 private:
  absl::Status Run() override {
    std::string bytes;
    cache::SnapshotWriter snapshot(&bytes);
    bool sent = true;
    const auto visit = [&](const cache::Entry& entry) {
      if (!IsFresh(entry, *parts_.catalog, *parts_.clock)) return true;
      snapshot.Add(entry);
      if (bytes.size() >= kChunkBytes) sent = Send(&bytes);
      return sent;
    };
    SOUVENIR_RETURN_IF_ERROR(parts_.cache->Export(visit));
    if (sent) {
      snapshot.End();
      sent = Send(&bytes);
    }
    if (!sent) return absl::CancelledError("the caller has gone");
    log.Info("exported", {{"entries", snapshot.entries()}});
    return absl::OkStatus();
  }

  // False when the caller has gone. Empties `bytes`.
  bool Send(std::string* bytes) {
    // One entry may be larger than a message may be.
    for (size_t at = 0; at < bytes->size(); at += kChunkBytes) {
      response_.set_data(bytes->substr(at, kChunkBytes));
      StartWrite(&response_);
      if (!WaitForStep()) return false;
    }
    bytes->clear();
    return true;
  }

  v1::ExportResponse response_;
};

class ImportCall final : public SnapshotCall<grpc::ServerReadReactor<v1::ImportRequest>> {
 public:
  ImportCall(const SnapshotParts& parts, RpcMethodMetrics* metrics, v1::ImportResponse* response)
      : SnapshotCall(parts, metrics),
        response_(response),
        reader_([this](cache::Entry::Fields entry) { return Take(std::move(entry)); }) {
    parts.cache->epochs().CopyTo(&epochs_);
  }

  void OnReadDone(bool ok) override { EndStep(ok); }

 private:
  absl::Status Run() override {
    for (;;) {
      StartRead(&request_);
      if (!WaitForStep()) break;
      SOUVENIR_RETURN_IF_ERROR(WithCount(reader_.Feed(request_.data())));
    }
    SOUVENIR_RETURN_IF_ERROR(WithCount(reader_.Finish()));
    response_->set_entries(reader_.entries());
    response_->set_taken(taken_);
    log.Info("imported", {{"entries", reader_.entries()}, {"taken", taken_}});
    return absl::OkStatus();
  }

  absl::Status Take(cache::Entry::Fields entry) {
    // What a hit could not read would be an error for whoever asks.
    const bool is_answer = entry.code == absl::StatusCode::kOk;
    if (is_answer ? !DecodedTensors::Decode(entry.value).ok()
                  : entry.code != absl::StatusCode::kInvalidArgument) {
      return absl::DataLossError("an entry that is no answer of a model");
    }
    if (parts_.cache->Import(std::move(entry), epochs_, parts_.clock->Now())) ++taken_;
    return absl::OkStatus();
  }

  // What went wrong, and what came of it all the same.
  absl::Status WithCount(const absl::Status& status) const {
    if (status.ok()) return status;
    return absl::Status(status.code(), fmt::format("{}; {} entries before that were imported",
                                                   std::string(status.message()), taken_));
  }

  v1::ImportResponse* const response_;  // gRPC's
  cache::EpochTable epochs_;            // of when the import began
  cache::SnapshotReader reader_;
  uint64_t taken_ = 0;
  v1::ImportRequest request_;
};

}  // namespace

grpc::ServerWriteReactor<v1::ExportResponse>* StartExport(const SnapshotParts& parts,
                                                          RpcMethodMetrics* metrics) {
  auto* const call = new ExportCall(parts, metrics);
  call->Start();
  return call;
}

grpc::ServerReadReactor<v1::ImportRequest>* StartImport(const SnapshotParts& parts,
                                                        RpcMethodMetrics* metrics,
                                                        v1::ImportResponse* response) {
  auto* const call = new ImportCall(parts, metrics, response);
  call->Start();
  return call;
}

}  // namespace souvenir::gateway
