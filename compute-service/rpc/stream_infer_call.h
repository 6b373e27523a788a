#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/gate.h"
#include "common/mutex.h"
#include "compute-service/repository/served_model.h"
#include "compute-service/rpc/call_context.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// One ModelStreamInfer call: requests are queued as they come, and answered as they are ready, each
// with its id. A request that fails is answered with its error and ends nothing else. Where
// CallContext::stream_limit requests are under way or not yet sent, the next one is not read.
//
// gRPC owns it from Start() on, and it deletes itself when the call is over.
class StreamInferCall final : public grpc::ServerBidiReactor<inference::ModelInferRequest,
                                                             inference::ModelStreamInferResponse> {
 public:
  StreamInferCall(const CallContext& calls, const grpc::CallbackServerContext& context);

  void Start();

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  using Response = inference::ModelStreamInferResponse;

  // A request that has been read and whose answer has not been sent.
  struct Flight {
    std::unique_ptr<inference::ModelInferRequest> request;
    absl::Duration begun;
    std::shared_ptr<ServedModel> model;  // null until it is queued
    JobId job = 0;
  };

  // What is to be asked of gRPC next, outside the lock: it may call back before it returns.
  struct Next {
    bool read = false;
    const Response* write = nullptr;
    bool finish = false;
  };

  void Queue(uint64_t number, const inference::ModelInferRequest& request);
  void Ready(uint64_t number, std::unique_ptr<Response> response, const absl::Status& status);
  Next Plan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(const Next& next);

  const CallContext& calls_;
  const absl::Duration deadline_;
  const std::optional<Gate::Pass> pass_;

  std::unique_ptr<inference::ModelInferRequest> reading_into_;  // while a read is under way

  Mutex mutex_;
  // The call may end only when none of these holds: a read is under way, a flight is left.
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<uint64_t, Flight> flights_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<uint64_t, std::unique_ptr<Response>>> ready_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;   // ready_.front() is
  bool all_read_ ABSL_GUARDED_BY(mutex_) = false;  // the client has said so, or is gone
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;      // nobody reads answers any more
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;  // Finish() was or is being called
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace souvenir::compute
