#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/sha256.h"

// The values that the parts of the task engine give each other.

namespace souvenir::gateway {

// A job of one store. Its name for callers is that of TaskStore::NameOf().
using JobNumber = uint64_t;

// A step of a job, by its place in the order of submission.
struct StepRef {
  JobNumber job = 0;
  uint32_t step = 0;

  bool operator==(const StepRef&) const = default;
  auto operator<=>(const StepRef&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const StepRef& ref) {
    return H::combine(std::move(state), ref.job, ref.step);
  }
};

// The numbers are in records on disk and must never change.
enum class StepState : uint8_t {
  kPending = 1,    // waits for other steps
  kScheduled = 2,  // waits for a time
  kReady = 3,      // waits in its queue
  kRunning = 4,
  // The ends. A step ends in exactly one of them.
  kSucceeded = 5,
  kFailed = 6,   // a dead letter
  kSkipped = 7,  // it needs a step that failed, or its job failed fast
  kCancelled = 8,
};
inline bool HasEnded(StepState state) { return state >= StepState::kSucceeded; }

enum class JobState : uint8_t { kRunning, kSucceeded, kFailed, kCancelled };

// Why a step is a dead letter. The numbers are in records on disk.
enum class DeadLetterReason : uint8_t {
  kNone = 0,
  kPermanent = 1,  // an error that another attempt would meet again
  kExhausted = 2,  // the last attempt that its policy allows failed
  kLost = 3,       // the process ended while the step ran, too often
};

inline constexpr int kLeastPriority = -10;
inline constexpr int kMostPriority = 10;

struct JobOptions {
  std::string name;  // for people
  std::string tenant;
  std::string idempotency_key;  // "": none
  std::string uniqueness_key;   // "": none
  bool run_all = false;         // false: the first step that fails ends the job
  std::string failure_step;     // id; "": none
  std::string result_step;      // id; "": the only step that no other needs
  // How long the job is kept after its end. Negative: Submission chooses; no store has that.
  absl::Duration result_ttl = -absl::Seconds(1);
};

// A step as the store takes it. The store does not look into `spec`.
struct NewStep {
  std::string id;
  std::string queue;
  int priority = 0;
  uint32_t needs = 0;  // number of steps that it needs
  absl::Time not_before = absl::InfinitePast();
  absl::Duration countdown;  // not before that time since the job was accepted
  std::string spec;          // see step_codec.h
};

// Bytes that several steps of a job may share.
struct Blob {
  Sha256Digest digest;
  std::string bytes;
};

// A step that may run now.
struct ClaimedStep {
  StepRef ref;
  uint32_t attempt = 0;  // from 1
  // Attempts before that failed, by the kind of the error. See RetryPolicy.
  uint32_t failures = 0;
  uint32_t unavailable = 0;
};

// The end of an attempt.
struct Outcome {
  enum class Kind {
    kSucceeded,
    kFailed,   // for good
    kRetry,    // another attempt follows, at `due`
    kGivenUp,  // the attempt says nothing about the step: its job ends, or the gateway stops
  };

  StepRef ref;
  uint32_t attempt = 0;
  Kind kind = Kind::kGivenUp;
  std::string result;  // kSucceeded: outputs, encoded by EncodeTensors()
  uint32_t rows = 0;
  uint32_t remembered_rows = 0;
  absl::Status status;                                // kFailed and kRetry: the error
  DeadLetterReason reason = DeadLetterReason::kNone;  // kFailed
  absl::Time due;                                     // kRetry
  bool was_unavailable = false;                       // kRetry: counts as ClaimedStep::unavailable
};

// What a change of the store has brought about, for those who wait for it.
struct Moves {
  std::vector<std::string> ready_queues;         // queues that got a ready step, each once
  std::vector<JobNumber> events;                 // jobs that got an event, each once
  std::vector<JobNumber> stopped;                // jobs whose running steps must be given up
  bool more = false;                             // TaskStore::Maintain() has more to do now
  absl::Time next_due = absl::InfiniteFuture();  // when it has something to do at the latest
};

struct StepCounts {
  uint64_t total = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;
  uint64_t cancelled = 0;
  uint64_t running = 0;

  uint64_t ended() const { return succeeded + failed + skipped + cancelled; }
};

struct JobInfo {
  JobNumber number = 0;
  JobOptions options;  // without the keys
  JobState state = JobState::kRunning;
  StepCounts steps;
  absl::Status status;  // of the first step that failed, or CANCELLED
  absl::Time created;
  absl::Time ended;  // infinite future if it has not ended
  uint64_t next_event = 1;
};

struct StepInfo {
  uint32_t number = 0;
  std::string id;
  StepState state = StepState::kPending;
  std::string queue;
  int priority = 0;
  std::string spec;
  uint32_t attempts = 0;
  absl::Status status;
  DeadLetterReason reason = DeadLetterReason::kNone;
  absl::Time due = absl::InfiniteFuture();    // of a step that is scheduled
  absl::Time ended = absl::InfiniteFuture();  // of a step that has ended
  uint64_t result_bytes = 0;
  uint32_t rows = 0;
  uint32_t remembered_rows = 0;
};

struct TaskEvent {
  uint64_t sequence = 0;
  bool job_ended = false;  // else a step has ended: only `step` of `number`, and what follows
  uint32_t step = 0;
  StepState state = StepState::kSucceeded;
  uint32_t attempts = 0;
  absl::Status status;
  absl::Time time;
  uint64_t result_bytes = 0;
  uint32_t rows = 0;
  uint32_t remembered_rows = 0;
};

struct QueueInfo {
  std::string name;
  bool paused = false;
  uint32_t max_running = 0;  // 0: no limit
  uint64_t ready = 0;
  uint64_t running = 0;
};

// A page of a list. `next` is where the following page begins; 0: there is none.
template <typename T, typename Position>
struct Page {
  std::vector<T> items;
  Position next{};
};

}  // namespace souvenir::gateway
