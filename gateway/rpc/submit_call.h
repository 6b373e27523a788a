#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/grpc/open_streams.h"
#include "common/grpc/rpc_entry.h"
#include "common/mutex.h"
#include "gateway/rpc/task_parts.h"
#include "gateway/tasks/submission.h"
#include "souvenir/v1/task_service.pb.h"

namespace souvenir::gateway {

// Checks and adds the steps of a message. `first` is the number of the first.
absl::Status AddSteps(size_t first, const google::protobuf::RepeatedPtrField<v1::Step>& steps,
                      Submission* submission);
// Writes the answer to a submission.
void WriteSubmitted(const TaskEngine& engine, const TaskStore::Begun& begun,
                    v1::SubmitJobResponse* response);

// One Submit: a job that comes in pieces. A message is handled on the executor, and the next one is
// read after that. So a stream has one message in memory, and no thread while it waits for its
// caller.
//
// Owned by gRPC, and by itself until it is done.
class SubmitCall final : public grpc::ServerReadReactor<v1::SubmitRequest>,
                         public OpenStream,
                         public std::enable_shared_from_this<SubmitCall> {
 public:
  // Runs the call. Returns the reactor for gRPC.
  static grpc::ServerReadReactor<v1::SubmitRequest>* Start(const TaskParts& parts,
                                                           RpcMethodMetrics* metrics,
                                                           grpc::CallbackServerContext* context,
                                                           v1::SubmitJobResponse* response);

  void OnReadDone(bool ok) override;
  void OnDone() override;
  // A job that has not come whole is refused when the gateway stops.
  void Stop() override;

 private:
  enum class State {
    kStarting,  // a thread is in StartRead(); OnReadDone() may come before it returns
    kReading,
    kHandling,  // the executor handles a message
    kEnded,
  };

  SubmitCall(const TaskParts& parts, RpcMethodMetrics* metrics,
             grpc::CallbackServerContext* context, v1::SubmitJobResponse* response)
      : parts_(parts), context_(context), call_(parts.entry, metrics), response_(response) {}

  void Read();
  // Returns why a caller that was waited for is not waited for any longer.
  absl::Status TooSlow() const;
  // Ends the stream with `status` if it waits for its caller, or as soon as it would.
  void GiveUp(const absl::Status& status);
  // Has the executor handle what was read. `ok`: there was a message.
  void HandleSoon(bool ok);
  // Handles a message. Returns true if it was the last one.
  absl::StatusOr<bool> Handle();
  // Ends the call, once, and drops the submission.
  void End(const absl::Status& status);

  const TaskParts parts_;
  grpc::CallbackServerContext* const context_;
  RpcCall call_;
  v1::SubmitJobResponse* const response_;  // owned by gRPC
  std::shared_ptr<SubmitCall> self_;       // until OnDone()

  // Used by one thread after another: the one that starts the call, those that handle a message,
  // and the one that ends it.
  std::string tenant_;
  v1::SubmitRequest request_;
  std::unique_ptr<Submission> submission_;
  size_t steps_ = 0;

  Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kHandling;
  // Reads that were begun: the next one may begin before StartRead() has returned from the last.
  uint64_t reads_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status given_up_ ABSL_GUARDED_BY(mutex_);  // an error once it was given up
  TimerQueue::Id timer_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace souvenir::gateway
