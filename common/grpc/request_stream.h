#pragma once

#include <grpcpp/support/server_callback.h>

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
#include "common/mutex.h"

namespace souvenir {

// A bidirectional stream whose requests are handled as they come, and answered once each, in the
// order in which their answers are ready. Where so many are under way, or their answers not yet
// sent, as the limit says, the next one is not read. What an answer is, and which request it
// belongs to, is for the derived class.
//
// Made as a shared_ptr. Keeps itself from Begin() until gRPC is done with it; who answers keeps it
// too.
template <typename Request, typename Response>
class RequestStream : public grpc::ServerBidiReactor<Request, Response>,
                      public OpenStream,
                      public std::enable_shared_from_this<RequestStream<Request, Response>> {
 public:
  // Begins to read; called once. Where `refused` is an error the stream ends with it at once.
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
        if (finished_) return;
        number = next_number_++;
        flights_[number];
      }
      Handle(number, &request);  // the read still counts as under way: the stream cannot end
    }
    Next next;
    {
      MutexLock lock(&mutex_);
      ++reads_done_;
      if (!ok) all_read_ = true;
      next = Plan();
    }
    Do(std::move(next));
  }

  void OnWriteDone(bool ok) override {
    std::pair<uint64_t, Response> written;  // destroyed outside the lock
    Next next;
    {
      MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok) lost_ = true;
      std::swap(written, ready_.front());
      ready_.pop_front();
      flights_.erase(written.first);
      next = Plan();
    }
    Do(std::move(next));
  }

  void OnCancel() override {
    std::vector<std::function<void()>> abandoned;
    Next next;
    {
      MutexLock lock(&mutex_);
      lost_ = true;
      next = Plan();
      for (auto& [number, flight] : flights_) {
        if (flight.abandon) abandoned.push_back(std::exchange(flight.abandon, nullptr));
      }
    }
    Do(std::move(next));
    for (const std::function<void()>& abandon : abandoned) abandon();
  }

  void OnDone() override {
    streams_->Remove(this);
    const std::shared_ptr<RequestStream> self = std::move(self_);  // goes at the end
  }

 protected:
  // `streams` outlives the stream; `limit` is at least 1; it ends with `stopping` when stopped.
  RequestStream(OpenStreams* streams, size_t limit, absl::Status stopping)
      : streams_(streams), limit_(limit), stopping_(std::move(stopping)) {}

  // A request has come. Answer() is to be called with its number once, before this returns or
  // later, on any thread. `request` may be taken away, and lives until this returns.
  virtual void Handle(uint64_t number, Request* request) = 0;

  void Answer(uint64_t number, Response response) {
    const std::shared_ptr<RequestStream> self = this->shared_from_this();
    std::function<void()> abandon;  // destroyed outside the lock
    Next next;
    {
      MutexLock lock(&mutex_);
      abandon = std::exchange(flights_.at(number).abandon, nullptr);
      flights_.at(number).answered = true;
      ready_.emplace_back(number, std::move(response));
      next = Plan();
    }
    Do(std::move(next));
  }

  // Has `abandon` called once where the caller goes before the request is answered, or at once
  // where he has gone; outside every lock, on any thread. Without effect once it is answered.
  void OnAbandoned(uint64_t number, std::function<void()> abandon) {
    {
      MutexLock lock(&mutex_);
      const auto flight = flights_.find(number);
      if (flight == flights_.end() || flight->second.answered) return;
      if (!lost_) {
        flight->second.abandon = std::move(abandon);
        return;
      }
    }
    abandon();
  }

 private:
  // A request that has been read and whose answer has not been sent.
  struct Flight {
    bool answered = false;
    std::function<void()> abandon;
  };

  // What is to be asked of gRPC next, outside the lock: it may call back before it returns.
  struct Next {
    bool read = false;
    const Response* write = nullptr;
    bool finish = false;
    absl::Status status;  // to finish with
  };

  // Takes no more requests where `status` is an error, and ends with it.
  void Refuse(const absl::Status& status) {
    const std::shared_ptr<RequestStream> self = this->shared_from_this();
    Next next;
    {
      MutexLock lock(&mutex_);
      if (refused_.ok()) refused_ = status;
      next = Plan();
    }
    Do(std::move(next));
  }

  // What was planned, and what follows from it. Whoever calls keeps the stream: gRPC, whose
  // OnDone() waits for the other callbacks, or a pointer.
  void Do(Next next) {
    for (;;) {
      if (next.write != nullptr) this->StartWrite(next.write);
      if (next.finish) return this->Finish(ToGrpcStatus(next.status));
      if (!next.read) return;
      this->StartRead(&read_);
      MutexLock lock(&mutex_);
      ++reads_begun_;
      next = Plan();
    }
  }

  // What is to be asked of gRPC now; it counts as begun.
  Next Plan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Next next;
    if (finished_) return next;
    if (lost_ && !writing_) {
      for (const auto& [number, response] : ready_) flights_.erase(number);
      ready_.clear();
    }
    if (!writing_ && !ready_.empty()) {
      writing_ = true;
      next.write = &ready_.front().second;
    }
    const bool reading = reads_done_ < reads_planned_;
    const bool takes_more = !all_read_ && !lost_ && refused_.ok();
    if (takes_more && !reading && flights_.size() < limit_) {
      ++reads_planned_;
      next.read = true;
    }
    if (!flights_.empty()) return next;
    if (!refused_.ok()) {
      // A read that waits for the client ends with the stream; one that is about to begin may not
      // begin after its end.
      next.finish = reads_begun_ == reads_planned_;
      next.status = refused_;
    } else {
      next.finish = !reading && !takes_more;
    }
    finished_ = next.finish;
    return next;
  }

  OpenStreams* const streams_;
  const size_t limit_;
  const absl::Status stopping_;

  std::shared_ptr<RequestStream> self_;  // until OnDone()
  Request read_;                         // while a read is under way

  Mutex mutex_;
  // Reads that were decided on, begun and done: one is under way at most.
  uint64_t reads_planned_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reads_begun_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reads_done_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Flight> flights_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<uint64_t, Response>> ready_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;   // ready_.front() is
  bool all_read_ ABSL_GUARDED_BY(mutex_) = false;  // the client has said so, or is gone
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;      // nobody reads answers any more
  absl::Status refused_ ABSL_GUARDED_BY(mutex_);  // an error: it takes no requests, for that reason
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;  // Finish() was or is being called
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace souvenir
