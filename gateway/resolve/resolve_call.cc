#include "gateway/resolve/resolve_call.h"

#include <utility>

namespace souvenir::gateway {
namespace {

// Returns the cost of an answer that did not have to be computed, else zero.
absl::Duration SavedBy(const Answer& answer) {
  const bool computed = answer.kind == CacheKind::kMiss || answer.kind == CacheKind::kBypass;
  return answer.entry != nullptr && !computed ? answer.entry->cost() : absl::ZeroDuration();
}

}  // namespace

uint64_t BytesOf(const Question& question) {
  uint64_t bytes = 0;
  for (const TensorView& input : question.inputs) bytes += input.data.size();
  return bytes;
}

void ResolveCall::Begin() {
  states_ = std::make_unique<QuestionState[]>(questions.size());
  unanswered_ = questions.size();
  if (questions.empty()) listener_->OnAllAnswered();
}

void ResolveCall::Finish(size_t question, Answer answer, TimerQueue* timers) {
  QuestionState& state = states_[question];
  if (state.answered.exchange(true)) return;
  questions[question].target->model().counters->Count(answer.kind, SavedBy(answer));
  state.answer = std::move(answer);
  listener_->OnAnswered(question);
  if (--unanswered_ != 0) return;
  DropTimer(timers);
  listener_->OnAllAnswered();
}

void ResolveCall::AtHand::Give(size_t question, Answer answer) {
  ModelCounters* const counters = call_->questions[question].target->model().counters.get();
  if (counters != counters_ || answer.kind != kind_) CountRun();
  counters_ = counters;
  kind_ = answer.kind;
  saved_ += SavedBy(answer);
  ++rows_;
  QuestionState& state = call_->states_[question];
  state.answered.store(true, std::memory_order_relaxed);
  state.answer = std::move(answer);
  ++given_;
  call_->listener_->OnAnswered(question);
}

void ResolveCall::AtHand::CountRun() {
  if (rows_ > 0) counters_->Count(kind_, saved_, rows_);
  rows_ = 0;
  saved_ = absl::ZeroDuration();
}

void ResolveCall::AtHand::Deliver() {
  CountRun();
  if (given_ == 0) return;
  if (call_->unanswered_.fetch_sub(given_) == given_) call_->listener_->OnAllAnswered();
}

absl::StatusOr<cache::FlightTable::Joined> ResolveCall::Sit(size_t question, Join join) {
  MutexLock lock(&mutex_);
  if (!gone_.ok()) return gone_;
  absl::StatusOr<cache::FlightTable::Joined> joined = join();
  if (joined.ok()) {
    states_[question].flight = joined->flight;
    states_[question].waiter = joined->waiter;
  }
  return joined;
}

std::vector<ResolveCall::Seat> ResolveCall::Leave(const absl::Status& reason) {
  std::vector<Seat> seats;
  MutexLock lock(&mutex_);
  if (!gone_.ok()) return seats;
  gone_ = reason;
  if (states_ == nullptr) return seats;  // not begun; Sit() will find that the caller has gone
  for (size_t i = 0; i < questions.size(); ++i) {
    const QuestionState& state = states_[i];
    if (state.flight != nullptr && !state.answered)
      seats.push_back({i, state.flight, state.waiter});
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
