#pragma once

#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/grpc/open_streams.h"
#include "common/grpc/status.h"
#include "common/grpc/unread_answers.h"
#include "common/mutex.h"

namespace souvenir {

// A bidirectional stream of requests. The derived class handles each request when it comes and
// answers it once. Answers are sent in the order in which they are ready. The stream reads the next
// request only while fewer than `limit` requests are unanswered or have an unsent answer.
//
// Made as a shared_ptr. The stream keeps itself alive from Begin() until gRPC is done with it. Code
// that is going to answer must keep it, too. Thread-safe: callbacks of gRPC and answers may come on
// any thread.
template <typename Request, typename Response>
class RequestStream : public grpc::ServerBidiReactor<Request, Response>,
                      public OpenStream,
                      public std::enable_shared_from_this<RequestStream<Request, Response>> {
 public:
  // Begins to read. Called once. If `refused` is an error, the stream ends with it at once.
  void Begin(const absl::Status& refused) {
    self_ = this->shared_from_this();
    const bool open = streams_->Add(self_);
    Refuse(open ? refused : stopping_);
  }

  void Stop() override { Refuse(stopping_); }

  void OnReadDone(bool ok) override {
    if (ok) {
      Request request;
      request.Swap(&read_);
      uint64_t number;
      {
        MutexLock lock(&mutex_);
        if (phase_ == Phase::kFinished) return;
        number = next_number_++;
        pending_[number];
      }
      Handle(number, &request);  // the read still counts as under way: the stream cannot end
    }
    Next next;
    {
      MutexLock lock(&mutex_);
      read_state_ = read_state_ == Read::kStarting ? Read::kDoneEarly : Read::kNone;
      if (!ok) Enter(Phase::kDraining);
      next = Plan();
    }
    Do(std::move(next));
  }

  void OnWriteDone(bool ok) override {
    Ready written;
    Next next;
    {
      MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok) Enter(Phase::kLost);
      std::swap(written, ready_.front());
      ready_.pop_front();
      pending_.erase(written.number);
      next = Plan();
    }
    written = Ready();  // outside the lock, and before the end of the stream may be told
    Do(std::move(next));
  }

  void OnCancel() override {
    std::vector<std::function<void()>> abandoned;
    Next next;
    {
      MutexLock lock(&mutex_);
      Enter(Phase::kLost);
      next = Plan();
      for (auto& [number, pending] : pending_) {
        if (pending.abandon) abandoned.push_back(std::exchange(pending.abandon, nullptr));
      }
    }
    Do(std::move(next));
    for (const std::function<void()>& abandon : abandoned) abandon();
  }

  void OnDone() override {
    streams_->Remove(this);
    const std::shared_ptr<RequestStream> self = std::move(self_);  // destroyed last
  }

 protected:
  // `streams` outlives the stream. `limit` is at least 1. A stream that is stopped ends with
  // `stopping`.
  RequestStream(OpenStreams* streams, size_t limit, absl::Status stopping)
      : streams_(streams), limit_(limit), stopping_(std::move(stopping)) {}

  // Handles a request that has come. Answer() must be called with its number once, before this
  // returns or later, on any thread. `request` lives until this returns, and may be moved from.
  virtual void Handle(uint64_t number, Request* request) = 0;

  // `unread` counts the answer until it is sent.
  void Answer(uint64_t number, Response response, UnreadAnswers::Answer unread) {
    const std::shared_ptr<RequestStream> self = this->shared_from_this();
    std::function<void()> abandon;  // destroyed outside the lock
    Next next;
    {
      MutexLock lock(&mutex_);
      abandon = std::exchange(pending_.at(number).abandon, nullptr);
      pending_.at(number).answered = true;
      ready_.push_back({number, std::move(response), std::move(unread)});
      next = Plan();
    }
    Do(std::move(next));
  }

  // Calls `abandon` once if the caller goes before the request is answered, or at once if the
  // caller has gone. The call is made outside every lock, on any thread. Does nothing once the
  // request is answered.
  void WhenAbandoned(uint64_t number, std::function<void()> abandon) {
    {
      MutexLock lock(&mutex_);
      const auto pending = pending_.find(number);
      if (pending == pending_.end() || pending->second.answered) return;
      if (phase_ < Phase::kLost) {
        pending->second.abandon = std::move(abandon);
        return;
      }
    }
    abandon();
  }

 private:
  // The life of the stream, which only goes forward.
  enum class Phase {
    kOpen,      // requests are read
    kDraining,  // no more requests are read: the client has sent all, or the stream was refused;
                // answers are awaited and sent
    kLost,      // the client has gone; answers are awaited and dropped
    kFinished,  // Finish() was called, or is being called
  };

  // The read that is under way: gRPC allows one. OnReadDone() can come before StartRead() returns.
  enum class Read {
    kNone,       // the next one may start
    kStarting,   // StartRead() has not returned
    kUnderWay,   // StartRead() has returned; OnReadDone() has not come
    kDoneEarly,  // OnReadDone() has come; StartRead() has not returned
  };

  // A request that has been read and whose answer has not been sent.
  struct Pending {
    bool answered = false;
    std::function<void()> abandon;
  };

  // An answer that has not been sent.
  struct Ready {
    uint64_t number = 0;
    Response response;
    UnreadAnswers::Answer unread;
  };

  // The next requests to gRPC. They are made outside the lock: gRPC may call back at once.
  struct Next {
    bool read = false;
    const Response* write = nullptr;
    bool finish = false;
    absl::Status status;        // to finish with
    std::deque<Ready> dropped;  // destroyed outside the lock
  };

  // If `status` is an error, reads no more requests and ends with it. Else plans the first read.
  void Refuse(const absl::Status& status) {
    const std::shared_ptr<RequestStream> self = this->shared_from_this();
    Next next;
    {
      MutexLock lock(&mutex_);
      if (!status.ok()) Enter(Phase::kDraining);
      if (status_.ok()) status_ = status;
      next = Plan();
    }
    Do(std::move(next));
  }

  void Enter(Phase phase) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    phase_ = std::max(phase_, phase);
  }

  // Does what was planned, and what follows from it. The caller must keep the stream alive: by a
  // pointer, or as a callback of gRPC, because OnDone() comes after all other callbacks.
  void Do(Next next) {
    for (;;) {
      if (next.write != nullptr) this->StartWrite(next.write);
      if (next.finish) return this->Finish(ToGrpcStatus(next.status));
      if (!next.read) return;
      this->StartRead(&read_);
      next.dropped.clear();
      MutexLock lock(&mutex_);
      read_state_ = read_state_ == Read::kDoneEarly ? Read::kNone : Read::kUnderWay;
      next = Plan();
    }
  }

  // Returns the requests to make to gRPC now. They count as made.
  Next Plan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Next next;
    if (phase_ == Phase::kFinished) return next;
    if (phase_ == Phase::kLost && !writing_) {
      for (const Ready& answer : ready_) pending_.erase(answer.number);
      next.dropped.swap(ready_);
    }
    if (!writing_ && !ready_.empty()) {
      writing_ = true;
      next.write = &ready_.front().response;
    }
    if (phase_ == Phase::kOpen && read_state_ == Read::kNone && pending_.size() < limit_) {
      read_state_ = Read::kStarting;
      next.read = true;
    }
    // If the stream was refused, Finish() may end a read that waits for the client. Otherwise the
    // read must have ended. No read may start after Finish().
    const bool read_ended =
        read_state_ == Read::kNone || (read_state_ == Read::kUnderWay && !status_.ok());
    if (phase_ != Phase::kOpen && pending_.empty() && read_ended) {
      phase_ = Phase::kFinished;
      next.finish = true;
      next.status = status_;
    }
    return next;
  }

  OpenStreams* const streams_;
  const size_t limit_;
  const absl::Status stopping_;

  std::shared_ptr<RequestStream> self_;  // reset by OnDone()
  Request read_;                         // used while a read is under way

  Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kOpen;
  Read read_state_ ABSL_GUARDED_BY(mutex_) = Read::kNone;
  absl::Status status_
      ABSL_GUARDED_BY(mutex_);  // the final status; an error if the stream was refused
  std::map<uint64_t, Pending> pending_ ABSL_GUARDED_BY(mutex_);
  std::deque<Ready> ready_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;  // ready_.front() is being sent
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace souvenir
