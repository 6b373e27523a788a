#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cache/entry.h"
#include "cache/flights.h"
#include "cache/tier.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/tensor/tensor.h"
#include "common/timer_queue.h"
#include "common/trace_context.h"
#include "gateway/catalog/model_counters.h"
#include "gateway/resolve/answer_check.h"
#include "gateway/resolve/directives.h"
#include "gateway/resolve/freshness.h"
#include "gateway/resolve/lanes.h"
#include "gateway/resolve/stage_times.h"
#include "gateway/resolve/target.h"

namespace souvenir::gateway {

// One row, or one whole request, to be answered. The call owns the bytes of the inputs.
struct Question {
  TargetPtr target;
  absl::InlinedVector<TensorView, 1> inputs;
};
using Questions = absl::InlinedVector<Question, 1>;

// Returns the bytes of the inputs.
uint64_t BytesOf(const Question& question);

// The answer to a question.
struct Answer {
  absl::Status status;
  cache::EntryPtr entry;  // null if `status` is an error
  CacheKind kind = CacheKind::kMiss;
  cache::Fingerprint key;  // of the question

  // Returns the age of the entry, or zero if there is none.
  absl::Duration Age(absl::Time now) const {
    return entry != nullptr ? std::max(now - entry->created_at(), absl::ZeroDuration())
                            : absl::ZeroDuration();
  }
};

// The options for answering a call; not part of the question.
struct ResolveOptions {
  absl::Duration deadline = absl::InfiniteDuration();  // by Clock::Monotonic()
  CacheDirectives cache;
  std::vector<std::string> tags;  // for the entries that are computed for this call
  int64_t priority = 0;           // sent upstream; 0 for none
  Lane lane = Lane::kText;
  // For logs; sent upstream. The resolver begins it when the first question is not answered from
  // memory, before another thread sees the call. A hit in memory needs none.
  TraceContext trace;
};

// A caller's questions on their way to answers by Resolver::Resolve().
//
// A use case has one, and fills in the questions, which are views of bytes that live as long as the
// call. The rows that are being computed share the call: they read the inputs, and may outlive the
// caller. So pass it to the resolver as a shared_ptr that owns the use case.
//
//   auto call = std::make_shared<MyCall>();   // has a ResolveCall `resolving`, and is its listener
//   call->resolving.questions = ...;
//   resolver->Resolve(std::shared_ptr<ResolveCall>(call, &call->resolving));
//
// Any thread may write answers. They may be read after OnAnswered() for a question, or
// OnAllAnswered() for all.
class ResolveCall {
 public:
  // Receives events about answers, on the thread that brings them, which may be the one in
  // Resolve(). Must not block.
  class Listener {
   public:
    // The question has its answer. Called once for each, before OnAllAnswered().
    virtual void OnAnswered(size_t question) {}
    // Every question has its answer. Called once.
    virtual void OnAllAnswered() = 0;

   protected:
    ~Listener() = default;
  };

  // `listener` must live as long as the call.
  explicit ResolveCall(Listener* listener) : listener_(listener) {}

  // Filled in before Resolve() and unchanged after.
  Questions questions;
  ResolveOptions options;

  StageTimes stages;

  // The bytes that tiers may read on the threads that handle the call.
  cache::ReadBudget read_at_hand;

  // Returns true once Resolve() was called; before, there are no answers.
  bool was_resolved() const { return states_ != nullptr; }
  const Answer& answer(size_t question) const { return states_[question].answer; }

  // Judges whether `entry`, an answer to the question, may be served to this caller. Null counts as
  // too old.
  Freshness Judge(size_t question, const cache::Entry* entry, const Clock& clock) const {
    if (entry == nullptr) return Freshness::kTooOld;
    return gateway::Judge(*entry, options.cache, questions[question].target->model().freshness,
                          clock);
  }

  // Same as Judge(), but for an entry from the cache: an entry that does not answer the question
  // counts as too old.
  Freshness JudgeFound(size_t question, const cache::Entry* entry, const Clock& clock) const {
    const Question& asked = questions[question];
    if (entry == nullptr || !IsAnswerTo(*entry, *asked.target, asked.inputs)) {
      return Freshness::kTooOld;
    }
    return Judge(question, entry, clock);
  }

  // The members below are for the resolver only.

  // Makes room for the answers. Called once, before anything below.
  void Begin();

  // The answers that are found before another thread knows of the call. They are given without the
  // synchronisation that Finish() needs, and counted together: most requests have only such
  // answers, and a row of a large one should cost little more than its lookup.
  class AtHand {
   public:
    explicit AtHand(ResolveCall* call) : call_(call) {}
    // Gives a question its answer, and tells the listener.
    void Give(size_t question, Answer answer);
    // Counts the answers. The call may be gone afterwards if these were all. REQUIRES: called once,
    // after the last Give() and before another thread may answer questions of the call.
    void Deliver();

   private:
    void CountRun();

    ResolveCall* const call_;
    size_t given_ = 0;
    // A run of answers that are counted together.
    ModelCounters* counters_ = nullptr;
    CacheKind kind_ = CacheKind::kMiss;
    absl::Duration saved_;
    uint64_t rows_ = 0;
  };

  const cache::Fingerprint& key(size_t question) const { return states_[question].answer.key; }
  void SetKey(size_t question, const cache::Fingerprint& key) {
    states_[question].answer.key = key;
  }

  bool is_answered() const { return unanswered_ == 0; }

  // Lets go of the entry of an answer that was used, which may be large. REQUIRES: all questions
  // are answered, and nobody reads this answer.
  void ReleaseEntry(size_t question) { states_[question].answer.entry = nullptr; }

  // Gives the question its answer, and tells the listener. Does nothing if the question has an
  // answer. After the last question the call may be gone.
  void Finish(size_t question, Answer answer, TimerQueue* timers);

  // Makes the question wait for the flight that `join` returns, and stores its seat. Errors: the
  // reason why the caller has gone, in which case `join` is not called; those of `join`.
  //
  // `join` runs under the call's lock, so that a flight that lands at once finds the seat complete.
  using Join = absl::FunctionRef<absl::StatusOr<cache::FlightTable::Joined>()>;
  absl::StatusOr<cache::FlightTable::Joined> Sit(size_t question, Join join);

  // A question that waits for a flight.
  struct Seat {
    size_t question;
    cache::FlightPtr flight;
    cache::FlightTable::WaiterId waiter;
  };
  // Notes that the caller has gone. Returns the seats of the questions without an answer, or none
  // if the caller had gone before.
  std::vector<Seat> Leave(const absl::Status& reason);

  // Sets the timer of the deadline. It is dropped once the call is answered.
  void SetTimer(TimerQueue::Id timer, TimerQueue* timers);

 private:
  struct QuestionState {
    Answer answer;
    std::atomic<bool> answered{false};
    // For a question that waits; guarded by the call's mutex.
    cache::FlightPtr flight;
    cache::FlightTable::WaiterId waiter = 0;
  };

  void DropTimer(TimerQueue* timers);

  Listener* const listener_;
  std::unique_ptr<QuestionState[]> states_;  // one for each question
  std::atomic<size_t> unanswered_{0};

  Mutex mutex_;
  absl::Status gone_ ABSL_GUARDED_BY(mutex_);  // why the caller has gone; OK if it has not
  std::atomic<TimerQueue::Id> timer_{0};       // 0 if there is none
};

using ResolveCallPtr = std::shared_ptr<ResolveCall>;

// The calls that were made for one request; most requests make one.
using ResolvedCalls = absl::InlinedVector<const ResolveCall*, 2>;

}  // namespace souvenir::gateway
