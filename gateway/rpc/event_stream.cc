#include "gateway/rpc/event_stream.h"

#include <utility>

namespace souvenir::gateway {

void EventStream::Fail(const Source& source, const absl::Status& status) {
  call_.CountAnswers(status.code());
  Finish(EndResolved(&call_, source.options().trace, source.resolved(), status, parts_));
}

void EventStream::Watch(std::shared_ptr<Source> source) {
  MutexLock lock(&mutex_);
  source_ = std::move(source);
}

void EventStream::Write(absl::StatusCode code, const grpc::ByteBuffer& event) {
  call_.CountAnswers(code);
  {
    MutexLock lock(&mutex_);
    queue_.push_back(event);
    if (std::exchange(writing_, true)) return;
  }
  StartWrite(NextEvent());
}

void EventStream::End(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    ended_ = true;
    status_ = status;
    if (writing_) return;
  }
  FinishNow();
}

void EventStream::OnWriteDone(bool ok) {
  std::shared_ptr<Source> source;
  {
    MutexLock lock(&mutex_);
    queue_.pop_front();
    if (!ok) queue_.clear();  // the caller has gone
    source = source_;
  }
  // `writing_` is still true, so that events that this brings do not start a write, whose end would
  // call OnWritten() on another thread.
  if (ok) source->OnWritten();
  bool ended = false;
  {
    MutexLock lock(&mutex_);
    writing_ = !queue_.empty();
    ended = ended_ && !writing_;
    if (!writing_ && !ended) return;
  }
  if (ended) return FinishNow();
  StartWrite(NextEvent());
}

void EventStream::OnCancel() {
  std::shared_ptr<Source> source;
  {
    MutexLock lock(&mutex_);
    source = source_;
  }
  if (source != nullptr) source->Abandon(call_.CallerHasGone(source->options().deadline));
}

const grpc::ByteBuffer* EventStream::NextEvent() {
  // The pointer stays valid: a deque does not move elements, and only OnWriteDone() removes this
  // one.
  MutexLock lock(&mutex_);
  return &queue_.front();
}

void EventStream::FinishNow() {
  absl::Status status;
  std::shared_ptr<Source> source;  // released outside the lock
  {
    MutexLock lock(&mutex_);
    status = status_;
    source = std::move(source_);
  }
  Finish(EndResolved(&call_, source->options().trace, source->resolved(), status, parts_));
}

}  // namespace souvenir::gateway
