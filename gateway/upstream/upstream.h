#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/cancellation.h"
#include "gateway/upstream/inference.h"
#include "inference/grpc_service.pb.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// Part of the message of an error for a server that cannot be reached.
inline constexpr char kCannotBeReached[] = "cannot be reached";

// A server of the Open Inference Protocol that computes what is not remembered, or a set of them.
//
// Thread-safe. Callbacks run on a thread of the upstream's own, and must not block; they run
// exactly once, also when a call is cancelled or the upstream is destroyed, which waits for them.
class Upstream {
 public:
  template <typename Response>
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::unique_ptr<Response>>) &&>;

  // A call under way. It may be let go of at any time.
  class Call {
   public:
    virtual ~Call() = default;
    // Has the callback called with CANCELLED, unless it has been called already.
    virtual void Cancel() = 0;
  };

  virtual ~Upstream() = default;

  // Returns the number of servers that answer now, which share the calls; at least 1.
  virtual size_t servers() const { return 1; }

  using InferenceDone = absl::AnyInvocable<void(absl::StatusOr<InferenceAnswer>) &&>;

  // Has a model compute. Errors: UNAVAILABLE at once, with the reason, while no server can be
  // reached; INTERNAL if the answer is malformed; else the server's own.
  virtual std::shared_ptr<Call> Infer(std::shared_ptr<const Inference> inference,
                                      absl::Duration timeout, InferenceDone done) = 0;

  // Pass messages through as they are. Cancelling such a call ends it here; the server may go on
  // with what it was asked for.
  virtual std::shared_ptr<Call> Statistics(
      std::unique_ptr<inference::ModelStatisticsRequest> request, absl::Duration timeout,
      Done<inference::ModelStatisticsResponse> done) = 0;
  virtual std::shared_ptr<Call> Load(std::unique_ptr<inference::RepositoryModelLoadRequest> request,
                                     absl::Duration timeout,
                                     Done<inference::RepositoryModelLoadResponse> done) = 0;
  virtual std::shared_ptr<Call> Unload(
      std::unique_ptr<inference::RepositoryModelUnloadRequest> request, absl::Duration timeout,
      Done<inference::RepositoryModelUnloadResponse> done) = 0;
};

// The models of a server at one moment. Immutable, so that looks that find no change share it.
using KnownModelsPtr = std::shared_ptr<const souvenir::state::v1::KnownModels>;

// Reasons for which a call of several rows may have failed for one of them, beside those that the
// status code tells.
enum class RowFault {
  kTooLargeAnswer,  // the answer was larger than this side accepts
  kLostAtServer,    // the server is there, and lost the call: a row may have killed a worker
};

// Marks `status`, an error, with the reason, and tells whether it is marked so.
absl::Status WithRowFault(absl::Status status, RowFault fault);
bool HasRowFault(const absl::Status& status, RowFault fault);

// One such server.
class UpstreamServer : public Upstream {
 public:
  struct Look {
    std::vector<std::string> names;  // the models of a server that has no index
    absl::Duration timeout;          // of one call; of thousands of models a look takes longer
    const Cancellation* cancellation = nullptr;  // of the look, from call to call; null: none
    // Asks for each model. Else a server that does not tell what has changed is asked for models
    // whose entry in the index has, and for some of the others in turn.
    bool thorough = false;
  };

  // All models there are, from the server's index or else as `look` names them. Returns the same
  // pointer as before if nothing has changed. Blocks; for a thread that polls.
  virtual absl::StatusOr<KnownModelsPtr> Describe(const Look& look) = 0;

  // Models of the server's index that Describe() left out last, because of their names. On any
  // thread; does not block.
  virtual size_t left_out() const { return 0; }
};

}  // namespace souvenir::gateway
