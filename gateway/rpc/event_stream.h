#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/grpc/call_ending.h"
#include "common/grpc/rpc_entry.h"
#include "common/grpc/unread_answers.h"
#include "common/mutex.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"
#include "gateway/rpc/resolved_request.h"

namespace souvenir::gateway {

// The use case that makes the events of an EventStream.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // The caller has gone. Called once at most, on any thread, before or after the last event. All
  // that is left must end soon with `reason`, and then End() must be called.
  virtual void Abandon(const absl::Status& reason) = 0;
  // An event was sent. Called on threads of gRPC, one call after another, also after End().
  virtual void OnWritten() {}
  virtual const ResolveOptions& options() const = 0;
  // The calls that were resolved, for statistics. Called after End(), or if Begin() refuses.
  virtual ResolvedCalls resolved() const = 0;
};

// Answers one RPC by a stream of events, which are written one after another. `Reactor` is
// gRPC's for the kind of RPC.
//
//   auto* stream = new EventStream(parts, metrics, context);
//   ... read the request, which gives `ready` ...
//   if (stream->Begin(source, ready)) ... source works: stream->Write(), at last stream->End() ...
//   return stream;
//
// Made by the handler, which returns it to gRPC; gRPC then owns it, and it deletes itself when the
// RPC is over. Thread-safe after Begin(). It lives until End() was called, or Begin() refused.
template <typename Reactor>
class EventWriter : public Reactor {
 public:
  EventWriter(const CallParts& parts, RpcMethodMetrics* metrics,
              grpc::CallbackServerContext* context)
      : parts_(parts), ending_(EndingOf(context)), call_(parts.entry, metrics) {}

  const CallParts& parts() const { return parts_; }

  // Keeps `source` until the end, and tells it if the caller goes. Returns false if the RPC is
  // refused, and so has ended: because `ready` is an error, or because the service is stopping.
  // Called once.
  bool Begin(std::shared_ptr<EventSource> source, const absl::Status& ready) {
    const absl::Status admitted = call_.admitted();
    const absl::Status& refused = admitted.ok() ? ready : admitted;
    if (!refused.ok()) {
      CountError(refused);
      this->Finish(
          EndResolved(&call_, source->options().trace, source->resolved(), refused, parts_));
      return false;
    }
    MutexLock lock(&mutex_);
    source_ = std::move(source);
    return true;
  }

  // Queues an event with an answer. `code` is the status of the answer.
  void Write(absl::StatusCode code, const grpc::ByteBuffer& event) {
    call_.CountAnswers(code);
    Write(event);
  }

  // Queues an event without an answer.
  void Write(const grpc::ByteBuffer& event) {
    UnreadAnswers::Answer unread = parts_.entry->unread()->Add(event.Length(), ending_);
    {
      MutexLock lock(&mutex_);
      queue_.push_back({event, std::move(unread)});
      if (std::exchange(writing_, true)) return;
    }
    this->StartWrite(NextEvent());
  }

  // Ends the RPC after the events that are queued. Called once; Write() must not be called
  // afterwards. An error that no event tells must have been counted with CountError().
  void End(const absl::Status& status) {
    {
      MutexLock lock(&mutex_);
      ended_ = true;
      status_ = status;
      if (writing_) return;
    }
    FinishNow();
  }

  // Counts an answer without an event, which is usually an error.
  void CountError(const absl::Status& status) { call_.CountAnswers(status.code()); }

  void OnWriteDone(bool ok) override {
    std::shared_ptr<EventSource> source;
    std::deque<Event> done;  // destroyed outside the lock
    {
      MutexLock lock(&mutex_);
      if (ok) {
        done.push_back(std::move(queue_.front()));
        queue_.pop_front();
      } else {
        done.swap(queue_);  // the caller has gone
      }
      source = source_;
    }
    done.clear();
    // `writing_` is still true, so that events that this brings do not start a write, whose end
    // would call OnWritten() on another thread.
    if (ok) source->OnWritten();
    bool ended = false;
    {
      MutexLock lock(&mutex_);
      writing_ = !queue_.empty();
      ended = ended_ && !writing_;
      if (!writing_ && !ended) return;
    }
    if (ended) return FinishNow();
    this->StartWrite(NextEvent());
  }

  void OnCancel() override {
    const std::shared_ptr<EventSource> source = this->source();
    if (source != nullptr) source->Abandon(call_.CallerHasGone(source->options().deadline));
  }

  void OnDone() override { delete this; }

 protected:
  // Returns null after the end.
  std::shared_ptr<EventSource> source() {
    MutexLock lock(&mutex_);
    return source_;
  }

 private:
  struct Event {
    grpc::ByteBuffer bytes;
    UnreadAnswers::Answer unread;
  };

  const grpc::ByteBuffer* NextEvent() {
    // The pointer stays valid: a deque does not move elements, and only OnWriteDone() removes this
    // one.
    MutexLock lock(&mutex_);
    return &queue_.front().bytes;
  }

  void FinishNow() {
    absl::Status status;
    std::shared_ptr<EventSource> source;  // released outside the lock
    {
      MutexLock lock(&mutex_);
      status = status_;
      source = std::move(source_);
    }
    this->Finish(EndResolved(&call_, source->options().trace, source->resolved(), status, parts_));
  }

  const CallParts parts_;
  const UnreadAnswers::GiveUp ending_;  // ends the stream
  RpcCall call_;

  Mutex mutex_;
  std::shared_ptr<EventSource> source_ ABSL_GUARDED_BY(mutex_);
  std::deque<Event> queue_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// For an RPC with one request.
using EventStream = EventWriter<grpc::ServerWriteReactor<grpc::ByteBuffer>>;

// For an RPC whose caller sends a stream, too. A message is read when the source asks for it.
class EventExchange final
    : public EventWriter<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>> {
 public:
  class Source : public EventSource {
   public:
    // Handles a message, on a thread of gRPC. An error ends the RPC.
    virtual absl::Status OnMessage(const grpc::ByteBuffer& message) = 0;
    // All messages have come, or the caller has gone. End() must be called later. Not called if the
    // RPC was ended before.
    virtual void OnLastMessage() = 0;
  };

  using EventWriter::EventWriter;

  // Reads the next message, for OnMessage() or OnLastMessage(). Called once after Begin(), and then
  // once for each OnMessage(): by it, or at any time later, on any thread, while the source may
  // write.
  void ReadNext() {
    {
      MutexLock lock(&read_mutex_);
      if (read_ == ReadState::kHandled) {
        reads_on_ = true;  // OnReadDone() does so when it has handled its message
        return;
      }
      if (!BeginRead()) return;
    }
    Read();
  }

  // Ends the RPC with `status` and reads no more, if the last message has not come. May be called
  // at any time while the source lives, on any thread.
  void Stop(const absl::Status& status) {
    bool ends = false;
    {
      MutexLock lock(&read_mutex_);
      if (phase_ != Phase::kReading) return;
      phase_ = Phase::kStopping;
      end_with_ = status;
      this->CountError(status);
      ends = TakeEnd();
    }
    if (ends) EventWriter::End(end_with_);
  }

  // Same as EventWriter::End(). Messages that have not come are not read. Does nothing if Stop()
  // has ended the RPC.
  void End(const absl::Status& status) {
    bool ends = false;
    {
      MutexLock lock(&read_mutex_);
      if (phase_ >= Phase::kStopping) return;
      phase_ = Phase::kStopping;
      end_with_ = status;
      ends = TakeEnd();
    }
    if (ends) EventWriter::End(end_with_);
  }

  void OnReadDone(bool ok) override {
    const std::shared_ptr<EventSource> source = this->source();
    auto* const reader = static_cast<Source*>(source.get());  // null if the RPC has ended
    Phase phase = Phase::kStopped;
    {
      MutexLock lock(&read_mutex_);
      read_ = ReadState::kHandled;
      if (!ok && phase_ == Phase::kReading) phase_ = Phase::kAllRead;
      phase = phase_;
    }
    if (reader != nullptr && phase == Phase::kAllRead) reader->OnLastMessage();
    if (reader != nullptr && phase == Phase::kReading) {
      const absl::Status handled = reader->OnMessage(message_);
      if (!handled.ok()) Stop(handled);
    }
    bool reads = false;
    bool ends = false;
    {
      MutexLock lock(&read_mutex_);
      read_ = ReadState::kNone;
      reads = std::exchange(reads_on_, false) && BeginRead();
      ends = TakeEnd();
    }
    if (reads) Read();
    if (ends) EventWriter::End(end_with_);
  }

 private:
  // The life of the messages, which only goes forward.
  enum class Phase {
    kReading,
    kAllRead,   // the last message has come; the source ends the RPC
    kStopping,  // Stop() or End() was called; the RPC ends when no thread is busy with a read
    kStopped,
  };

  enum class ReadState {
    kNone,
    kUnderWay,
    kHandled,  // a thread of gRPC handles the message, and may start the next read
  };

  // Notes that a read starts. Returns false if no more is read.
  bool BeginRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_) {
    if (phase_ != Phase::kReading) return false;
    read_ = ReadState::kUnderWay;
    ++starting_;
    return true;
  }

  void Read() {
    StartRead(&message_);
    bool ends = false;
    {
      MutexLock lock(&read_mutex_);
      --starting_;
      ends = TakeEnd();
    }
    // Another thread may have ended the RPC since, and then this is gone.
    if (ends) EventWriter::End(end_with_);
  }

  // Returns true, once, if the RPC is to be ended now. It must not end while a thread starts a
  // read, or may start one.
  bool TakeEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_) {
    if (phase_ != Phase::kStopping || starting_ > 0 || read_ == ReadState::kHandled) return false;
    phase_ = Phase::kStopped;
    return true;
  }

  grpc::ByteBuffer message_;

  Mutex read_mutex_;
  Phase phase_ ABSL_GUARDED_BY(read_mutex_) = Phase::kReading;
  ReadState read_ ABSL_GUARDED_BY(read_mutex_) = ReadState::kNone;
  bool reads_on_ ABSL_GUARDED_BY(read_mutex_) = false;  // ReadNext() was called in kHandled
  int starting_ ABSL_GUARDED_BY(read_mutex_) = 0;       // threads in StartRead()
  absl::Status end_with_;                               // set before kStopping, unchanged after
};

}  // namespace souvenir::gateway
