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
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// Part of the error message for a server that cannot be reached.
inline constexpr char kCannotBeReached[] = "cannot be reached";

// A server of the Open Inference Protocol, or a set of them, that computes answers which are not
// cached.
//
// Thread-safe. Callbacks run on a thread of the upstream's own, and must not block. Each runs
// exactly once, even if the call is cancelled or the upstream is destroyed; the destructor waits
// for them.
class Upstream {
 public:
  // A call under way. It may be released at any time.
  class Call {
   public:
    virtual ~Call() = default;
    // Ends the call: its callback gets CANCELLED, unless it was called already.
    virtual void Cancel() = 0;
  };

  virtual ~Upstream() = default;

  // Returns the number of servers that answer now, which share the calls; at least 1.
  virtual size_t servers() const { return 1; }

  using InferenceDone = absl::AnyInvocable<void(absl::StatusOr<InferenceAnswer>) &&>;

  // Calls a model. Errors: UNAVAILABLE at once, with the reason, while no server can be reached;
  // INTERNAL if the answer is malformed; otherwise the server's own. INVALID_ARGUMENT carries the
  // digest of the model that refused, if the server tells it (ModelDigestOf() in
  // common/refusal.h).
  virtual std::shared_ptr<Call> Infer(std::shared_ptr<const Inference> inference,
                                      absl::Duration timeout, InferenceDone done) = 0;

  // An operator's request that is passed on as it came.
  enum class Operation { kStatistics, kLoad, kUnload };

  // The response of each server that has answered, in the bytes of the protocol's message.
  using PassedOnDone = absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>) &&>;

  // Passes `request` on, in the bytes of the protocol's message. Cancelling the call ends it on
  // this side only; the server may go on with the request.
  virtual std::shared_ptr<Call> PassOn(Operation operation, const std::string& request,
                                       absl::Duration timeout, PassedOnDone done) = 0;
};

// The models of a server at one moment. Immutable, so that polls without a change share it.
using KnownModelsPtr = std::shared_ptr<const souvenir::state::v1::KnownModels>;

// Reasons why one row may have made a call of several rows fail, beside those that the status code
// tells.
enum class RowFault {
  kTooLargeAnswer,  // the answer was larger than this side accepts
  kLostAtServer,    // the server says that it lost the call but goes on: a row may have killed a
                    // worker
  kLostWithServer,  // the server gave the call up, or went away with it: a row may have killed it
};

// WithRowFault() marks `status`, an error, with the reason. HasRowFault() tells whether it is
// marked, with that reason or with any.
absl::Status WithRowFault(absl::Status status, RowFault fault);
bool HasRowFault(const absl::Status& status, RowFault fault);
bool HasRowFault(const absl::Status& status);

// A single server.
class UpstreamServer : public Upstream {
 public:
  struct Look {
    std::vector<std::string> names;  // the models of a server that has no index
    absl::Duration timeout;  // limit of one call; a poll of thousands of models takes longer
    const Cancellation* cancellation = nullptr;  // checked between calls; null for none
    // True to ask for every model. Otherwise a server that does not tell whether something has
    // changed is asked for the models whose entry in the index has changed, and for some of the
    // others in turn.
    bool thorough = false;
  };

  // Returns all models, from the server's index or else as `look` names them. Returns the same
  // pointer as before if nothing has changed. Blocks; to be called by a thread that polls.
  virtual absl::StatusOr<KnownModelsPtr> Describe(const Look& look) = 0;

  // Returns the number of models of the server's index that the last Describe() left out because of
  // their names. May be called on any thread; does not block.
  virtual size_t left_out() const { return 0; }
};

}  // namespace souvenir::gateway
