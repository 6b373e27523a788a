#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "gateway/upstream/upstream.h"

namespace grpc {
class ChannelInterface;
}

namespace souvenir::gateway {

// The models of one server, as its index and its descriptions tell them.
//
// Owned by a GrpcUpstream. Thread-safe. Its calls block.
class GrpcModels {
 public:
  // `address` is named in the details of errors, and in the log.
  GrpcModels(std::shared_ptr<grpc::ChannelInterface> channel, std::string address);
  ~GrpcModels();

  // See UpstreamServer::Describe() and left_out().
  absl::StatusOr<KnownModelsPtr> Describe(const UpstreamServer::Look& look);
  size_t left_out() const { return refused_.load(); }

 private:
  using Look = UpstreamServer::Look;
  struct Stub;

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

  const std::string address_;
  const std::unique_ptr<Stub> stub_;
  std::atomic<size_t> refused_{0};

  Mutex mutex_;
  std::shared_ptr<const Described> described_ ABSL_GUARDED_BY(mutex_) =
      std::make_shared<const Described>();
};

}  // namespace souvenir::gateway
