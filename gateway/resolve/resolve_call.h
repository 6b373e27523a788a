#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
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
#include "gateway/resolve/stage_times.h"
#include "gateway/resolve/target.h"

namespace souvenir::gateway {

// One row, or one whole request, to be answered. The bytes of the inputs belong to its call.
struct Question {
  TargetPtr target;
  absl::InlinedVector<TensorView, 1> inputs;
};
using Questions = absl::InlinedVector<Question, 1>;

// What became of a question.
struct Answer {
  absl::Status status;
  cache::EntryPtr entry;  // null where status is an error
  CacheKind kind = CacheKind::kMiss;
  cache::Fingerprint key;  // of the question

  // How old the entry is; zero where there is none.
  absl::Duration Age(absl::Time now) const {
    return entry != nullptr ? std::max(now - entry->created_at(), absl::ZeroDuration())
                            : absl::ZeroDuration();
  }
};

// How a call is to be answered; no part of what is asked.
struct ResolveOptions {
  absl::Duration deadline = absl::InfiniteDuration();  // by Clock::Monotonic()
  CacheDirectives cache;
  std::vector<std::string> tags;  // of what is computed for this call
  int64_t priority = 0;           // sent upstream, 0 is none
  // Sent upstream; for logs. Begun by the resolver when the first question leaves memory, before
  // another thread sees the call: a hit needs none.
  TraceContext trace;
};

// A caller's questions, which Resolver::Resolve() answers. A use case derives from it, holds in it
// whatever the questions' bytes belong to, and is told as answers come.
//
// Owned by shared pointers: the caller's, and those of the computations that read its inputs, which
// may outlive the caller. Answers are written by any thread, and read after OnAnswered() for a
// question, or OnAllAnswered() for all.
class ResolveCall : public std::enable_shared_from_this<ResolveCall> {
 public:
  virtual ~ResolveCall() = default;

  // Filled in before Resolve() and unchanged after.
  Questions questions;
  ResolveOptions options;

  StageTimes stages;

  // What tiers may read on the threads that handle the call.
  cache::ReadBudget read_at_hand;

  // Whether Resolve() was called: only then are there answers.
  bool was_resolved() const { return slots_ != nullptr; }
  const Answer& answer(size_t question) const { return slots_[question].answer; }

  // Whether `entry`, which is an answer to `question`, may answer it for this caller; null is too
  // old.
  Freshness Judge(size_t question, const cache::Entry* entry, const Clock& clock) const {
    if (entry == nullptr) return Freshness::kTooOld;
    return gateway::Judge(*entry, options.cache, questions[question].target->model().freshness,
                          clock);
  }

  // The same for one that was remembered: what is no answer to the question is too old.
  Freshness JudgeFound(size_t question, const cache::Entry* entry, const Clock& clock) const {
    const Question& asked = questions[question];
    if (entry == nullptr || !IsAnswerTo(*entry, *asked.target, asked.inputs)) {
      return Freshness::kTooOld;
    }
    return Judge(question, entry, clock);
  }

 protected:
  // Question `question` has its answer; for each once, on the thread that brings it, before
  // OnAllAnswered(). Must not block.
  virtual void OnAnswered(size_t question) {}

  // Every question has its answer; once, on the thread that brings the last one, which may be the
  // one in Resolve(). Must not block.
  virtual void OnAllAnswered() = 0;

 private:
  friend class Resolver;

  struct Slot {
    Answer answer;
    std::atomic<bool> answered{false};
    // Of a question that waits; guarded by the call's mutex.
    cache::FlightPtr flight;
    cache::FlightTable::WaiterId waiter = 0;
  };

  std::unique_ptr<Slot[]> slots_;  // one for each question
  std::atomic<size_t> unanswered_{0};

  Mutex mutex_;
  absl::Status left_ ABSL_GUARDED_BY(mutex_);  // an error: the caller has gone, for this reason
  std::atomic<TimerQueue::Id> timer_{0};       // of the deadline; 0: there is none, or no longer
};

using ResolveCallPtr = std::shared_ptr<ResolveCall>;

}  // namespace souvenir::gateway
