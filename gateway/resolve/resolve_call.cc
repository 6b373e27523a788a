#include "gateway/resolve/resolve_call.h"

#include <utility>

namespace souvenir::gateway {

void ResolveCall::Begin() {
  slots_ = std::make_unique<Slot[]>(questions.size());
  unanswered_ = questions.size();
  if (questions.empty()) listener_->OnAllAnswered();
}

void ResolveCall::Finish(size_t question, Answer answer, TimerQueue* timers) {
  Slot& slot = slots_[question];
  if (slot.answered.exchange(true)) return;
  const bool computed = answer.kind == CacheKind::kMiss || answer.kind == CacheKind::kBypass;
  questions[question].target->model().counters->Count(
      answer.kind,
      answer.entry != nullptr && !computed ? answer.entry->cost() : absl::ZeroDuration());
  slot.answer = std::move(answer);
  listener_->OnAnswered(question);
  if (--unanswered_ != 0) return;
  DropTimer(timers);
  listener_->OnAllAnswered();
}

absl::StatusOr<cache::FlightTable::Joined> ResolveCall::Sit(size_t question, Join join) {
  MutexLock lock(&mutex_);
  if (!gone_.ok()) return gone_;
  absl::StatusOr<cache::FlightTable::Joined> joined = join();
  if (joined.ok()) {
    slots_[question].flight = joined->flight;
    slots_[question].waiter = joined->waiter;
  }
  return joined;
}

std::vector<ResolveCall::Seat> ResolveCall::Leave(const absl::Status& reason) {
  std::vector<Seat> seats;
  MutexLock lock(&mutex_);
  if (!gone_.ok()) return seats;
  gone_ = reason;
  if (slots_ == nullptr) return seats;  // not begun; Sit() will find that the caller has gone
  for (size_t i = 0; i < questions.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.flight != nullptr && !slot.answered) seats.push_back({i, slot.flight, slot.waiter});
  }
  return seats;
}

void ResolveCall::SetTimer(TimerQueue::Id timer, TimerQueue* timers) {
  timer_ = timer;
  // The last answer may have come before the timer was set.
  if (is_answered()) DropTimer(timers);
}

void ResolveCall::DropTimer(TimerQueue* timers) {
  const TimerQueue::Id timer = timer_.exchange(0);
  if (timer != 0) timers->Cancel(timer);
}

}  // namespace souvenir::gateway
