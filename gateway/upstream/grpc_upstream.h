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
// Whoever lets go of a channel last waits for the threads that run callbacks (gRPC 1.51), and so
// must not be one of them. All that holds on to the channel, which contexts of calls do, is gone
// before the destructor lets go of it.
class GrpcUpstream final : public UpstreamServer {
 public:
  struct Options {
    std::string address;                   // "host:port"; Load() and Unload() want an admin port's
    std::string authority;                 // the name it is called by; "" is the address
    size_t max_message_bytes = 16u << 20;  // of one request or answer
    // A server that is silent for so long, while a call waits for it, is asked whether it lives.
    absl::Duration keepalive = absl::Seconds(30);
  };

  explicit GrpcUpstream(const Options& options);
  // Waits for the callbacks of all calls; cancel them first. Not on a thread that runs callbacks.
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

  // What Describe() learned last.
  struct Described {
    souvenir::state::v1::KnownModels index;  // before the models were asked for
    KnownModelsPtr models;                   // of each entry of `index`; null: nothing is known yet
    std::string revision;                    // the server's; "" of one without, or if some lack
    size_t turn = 0;                         // the entry that is asked for next, see Look
  };

  // Reads the index, and the server's revision. True if it is that of `known`.
  absl::StatusOr<bool> ReadIndex(const Look& look, const Described& known, Described* now);
  // Asks for the models of `now->index` that are not to be taken from `known`.
  absl::Status DescribeModels(const Look& look, const Described& known, Described* now);
  absl::Status DescribeModel(absl::Duration timeout, souvenir::state::v1::KnownModel* model);

  // Logs why models are left out, where there are more or fewer than before.
  void TellRefused(const std::vector<std::string>& refused);

  const Options options_;
  const std::unique_ptr<Stub> stub_;
  std::atomic<size_t> refused_{0};

  Mutex mutex_;
  std::shared_ptr<const Described> described_ ABSL_GUARDED_BY(mutex_) =
      std::make_shared<const Described>();

  Gate calls_;  // each is inside for as long as its context exists
};

}  // namespace souvenir::gateway
