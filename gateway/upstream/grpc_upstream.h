#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/gate.h"
#include "common/mutex.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// A server over one gRPC channel, which reconnects by itself.
//
// The thread that releases a channel last waits for the threads that run callbacks (gRPC 1.51), so
// it must not be one of them. Contexts of calls hold the channel too; the destructor waits until
// all are gone before it releases the channel.
class GrpcUpstream final : public UpstreamServer {
 public:
  struct Options {
    std::string address;                   // "host:port"; Load() and Unload() need an admin port
    std::string authority;                 // name of the server in requests; "" means `address`
    size_t max_message_bytes = 16u << 20;  // of one request or answer
    // A server that is silent for this time, while a call waits for it, gets a keepalive ping.
    absl::Duration keepalive = absl::Seconds(30);
  };

  explicit GrpcUpstream(const Options& options);
  // Waits for the callbacks of all calls; cancel these first. Must not run on a thread that runs
  // callbacks.
  ~GrpcUpstream() override;

  std::shared_ptr<Call> Infer(std::shared_ptr<const Inference> inference, absl::Duration timeout,
                              InferenceDone done) override;
  std::shared_ptr<Call> Statistics(std::unique_ptr<inference::ModelStatisticsRequest> request,
                                   absl::Duration timeout,
                                   Done<inference::ModelStatisticsResponse> done) override;
  std::shared_ptr<Call> Load(std::unique_ptr<inference::RepositoryModelLoadRequest> request,
                             absl::Duration timeout,
                             Done<inference::RepositoryModelLoadResponse> done) override;
  std::shared_ptr<Call> Unload(std::unique_ptr<inference::RepositoryModelUnloadRequest> request,
                               absl::Duration timeout,
                               Done<inference::RepositoryModelUnloadResponse> done) override;
  absl::StatusOr<KnownModelsPtr> Describe(const Look& look) override;
  size_t left_out() const override { return refused_.load(); }

 private:
  struct Stub;

  template <typename Request, typename Response, typename Method>
  std::shared_ptr<Call> Start(Method method, std::shared_ptr<const Request> request,
                              absl::Duration timeout, Done<Response> done,
                              const TraceContext& trace = {});

  // The result of the last Describe().
  struct Described {
    souvenir::state::v1::KnownModels index;  // as read, before the models were described
    KnownModelsPtr models;  // one for each entry of `index`; null if nothing is known yet
    std::string revision;   // of the server; "" if it has none, or if a description is missing
    size_t turn = 0;        // the entry that is asked for next; see Look
  };

  // Reads the index and the server's revision. Returns true if the revision is that of `known`.
  absl::StatusOr<bool> ReadIndex(const Look& look, const Described& known, Described* now);
  // Describes the models of `now->index`; unchanged ones may be taken from `known`.
  absl::Status DescribeModels(const Look& look, const Described& known, Described* now);
  absl::Status DescribeModel(absl::Duration timeout, souvenir::state::v1::KnownModel* model);

  // Logs why models are left out, if their number has changed.
  void TellRefused(const std::vector<std::string>& refused);

  const Options options_;
  const std::unique_ptr<Stub> stub_;
  std::atomic<size_t> refused_{0};

  Mutex mutex_;
  std::shared_ptr<const Described> described_ ABSL_GUARDED_BY(mutex_) =
      std::make_shared<const Described>();

  Gate calls_;  // a call is inside as long as its context exists
};

}  // namespace souvenir::gateway
