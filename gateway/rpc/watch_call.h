#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/grpc/open_streams.h"
#include "common/grpc/rpc_entry.h"
#include "common/mutex.h"
#include "gateway/rpc/task_parts.h"
#include "souvenir/v1/task_service.pb.h"

namespace souvenir::gateway {

// One Watch. It reads a page of events on the executor, sends them, and reads the next. A page
// counts as an unread answer until it is sent. Without events it waits, with neither a thread nor
// memory for events, until the job has news.
//
// Owned by gRPC, and by itself until it is done.
class WatchCall final : public grpc::ServerWriteReactor<v1::JobEvent>,
                        public OpenStream,
                        public std::enable_shared_from_this<WatchCall> {
 public:
  // Runs the call. Returns the reactor for gRPC.
  static grpc::ServerWriteReactor<v1::JobEvent>* Start(const TaskParts& parts,
                                                       RpcMethodMetrics* metrics,
                                                       grpc::CallbackServerContext* context,
                                                       const v1::WatchRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void Stop() override;

 private:
  enum class State {
    kWaiting,  // for news of the job
    kBusy,     // a thread reads events, or gRPC sends one
    kEnded,
  };

  WatchCall(const TaskParts& parts, RpcMethodMetrics* metrics, grpc::CallbackServerContext* context,
            const v1::WatchRequest& request)
      : parts_(parts), context_(context), call_(parts.entry, metrics), request_(request) {}

  absl::Status Open();
  // The job may have news.
  void OnNews();
  // Ends the stream soon with `status`.
  void GiveUp(const absl::Status& status);
  // Has the executor read events. REQUIRES: the state is kBusy.
  void ReadSoon();
  void ReadEvents();
  // Returns true if no more events are to be read before some are sent.
  bool IsPageFull() const;
  // Appends the next events to `events_`. Returns true if the last one is among them, or was sent.
  absl::StatusOr<bool> Collect();
  absl::StatusOr<bool> CollectByCompletion();
  absl::StatusOr<bool> CollectBySubmission();
  absl::Status AddStep(const TaskEvent& event, uint64_t sequence);
  void AddJob(const JobInfo& job, uint64_t sequence);
  void End(const absl::Status& status);

  const TaskParts parts_;
  grpc::CallbackServerContext* const context_;
  RpcCall call_;
  const v1::WatchRequest request_;
  std::shared_ptr<WatchCall> self_;  // until OnDone()

  // Used by the thread that makes the state kBusy, and those after it.
  JobNumber job_ = 0;
  JobWatchers::Id watcher_ = 0;      // 0: none
  uint64_t next_ = 1;                // sequence number of the next event to read
  std::deque<v1::JobEvent> events_;  // the first is being sent
  uint64_t page_bytes_ = 0;          // size of those that were read together
  UnreadAnswers::Answer unread_;     // these
  bool has_last_ = false;            // the last event is in `events_`, or was sent

  Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kBusy;
  bool has_news_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status given_up_ ABSL_GUARDED_BY(mutex_);  // an error once it was given up
};

}  // namespace souvenir::gateway
