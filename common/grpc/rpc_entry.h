#pragma once

#include <grpcpp/support/status.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/gate.h"
#include "common/grpc/caller.h"
#include "common/grpc/open_streams.h"
#include "common/grpc/request_log.h"
#include "common/grpc/rpc_metrics.h"
#include "common/grpc/unread_answers.h"
#include "common/logging/logging.h"
#include "common/trace_context.h"

namespace souvenir {

// The entry that every RPC of a service passes: it refuses calls while the service stops, counts
// and times them by method, and has them logged. One RPC is an RpcCall.
//
// Owned by the service, which outlives its calls. Thread-safe.
class RpcEntry {
 public:
  // Not checked here: the services check the values that users set with their configuration.
  struct Options {
    std::string metrics_prefix;          // "souvenir_gateway"
    std::string name = "server";         // in messages: "the server is stopping"
    absl::Duration slow;                 // a call that takes longer is logged; zero: none is
    uint64_t unread_bytes = UINT64_MAX;  // limit of unread(), which bounds answers
    Clock* clock = Clock::System();      // outlives the entry
  };

  explicit RpcEntry(const Options& options);

  // Returns the counters of a method, "ModelInfer". They live as long as the entry.
  RpcMethodMetrics* Method(const std::string& name) { return metrics_.Method(name); }

  Clock* clock() const { return clock_; }
  const RpcMetrics& metrics() const { return metrics_; }

  // The streams that are open. They end when the entry is closed.
  OpenStreams* streams() { return &streams_; }

  // The answers that clients have not read.
  UnreadAnswers* unread() { return &unread_; }
  const UnreadAnswers& unread() const { return unread_; }

  // Refuses calls from now on, and ends each open stream as soon as its last request is answered.
  // Idempotent.
  void Close();

  // Waits until all calls have ended. Returns false once the clock has reached `deadline`.
  // REQUIRES: Close() was called.
  bool Drain(absl::Duration deadline) { return gate_.WaitUntilEmpty(*clock_, deadline); }

  bool is_closed() const { return closed_.load(std::memory_order_relaxed); }

  // Returns the status of a call that comes after Close(): UNAVAILABLE.
  absl::Status Refusal() const;

  // Returns the number of calls that have begun and not ended.
  size_t calls() const { return gate_.inside(); }

 private:
  friend class RpcCall;

  const std::string name_;
  Clock* const clock_;
  RpcMetrics metrics_;
  RequestLog log_;
  OpenStreams streams_;
  UnreadAnswers unread_;
  std::atomic<bool> closed_{false};
  Gate gate_;
};

// Represents an RPC, or a request of a stream of requests, from its coming to its answer.
//
//   RpcCall call(entry, method);
//   absl::Status status = call.admitted();
//   if (status.ok()) status = ...;
//   reactor->Finish(call.End(status, [&] { return RpcCall::Notes{.trace = TraceOf(*context)}; }));
//
// Owned by the object that answers the call. CallerHasGone() may be called on any thread; the rest
// is for one thread at a time.
class RpcCall {
 public:
  RpcCall(RpcEntry* entry, RpcMethodMetrics* method)
      : entry_(entry), timer_(method, entry->clock()), pass_(entry->gate_.Enter()) {}
  RpcCall(const RpcCall&) = delete;
  RpcCall& operator=(const RpcCall&) = delete;

  // Returns OK; UNAVAILABLE if the service had begun to stop when the call came.
  absl::Status admitted() const { return pass_ ? absl::OkStatus() : entry_->Refusal(); }

  absl::Duration begun() const { return timer_.begun(); }  // by Clock::Monotonic()
  const std::string& method() const { return timer_.method(); }

  // Notes that the caller has gone, and returns how: DEADLINE_EXCEEDED or CANCELLED, see
  // CallerGone() in caller.h. The call is then counted with that status, whatever its answer is.
  absl::Status CallerHasGone(const CallerPatience& patience);
  // Same as above, for a caller that has waited since the call began, until `deadline` by
  // Clock::Monotonic().
  absl::Status CallerHasGone(absl::Duration deadline) { return CallerHasGone({begun(), deadline}); }
  // Calls CallerHasGone() if gRPC says that the caller of this RPC has gone. For an RPC that is
  // answered on another thread, where OnCancel() may not have come yet.
  void LookForCaller(const grpc::ServerContextBase& context);

  // Counts answers by their own status, for a call that gives several answers, or fewer than its
  // status says.
  void CountAnswers(absl::StatusCode code, uint64_t answers = 1) const {
    timer_.CountAnswers(code, answers);
  }

  // Facts about a call for its line of log. The strings of `fields` must live until End() returns.
  struct Notes {
    TraceContext trace;
    std::vector<LogField> fields;
  };
  using NotesFn = absl::FunctionRef<Notes()>;

  // Ends the call, once: counts it by `status`, or by how its caller has gone, writes a line of log
  // if one is due, and leaves the gate. Calls `notes` only for a line. Returns the status to finish
  // the RPC with.
  grpc::Status End(const absl::Status& status, NotesFn notes);

  // End() in its three steps, for a call that has more to do in between. Count() returns the time
  // that the call took. Log() takes the status that is worth the line, which may be that of one
  // answer of several.
  absl::Duration Count(const absl::Status& status) const;
  void Log(const absl::Status& status, absl::Duration took, NotesFn notes) const;
  void Leave() { pass_.reset(); }

  // Returns `status`, or how the caller has gone.
  absl::Status Counted(const absl::Status& status) const;

 private:
  RpcEntry* const entry_;
  const RpcTimer timer_;
  std::optional<Gate::Pass> pass_;
  // How the caller has gone; OK if it has not.
  std::atomic<absl::StatusCode> gone_{absl::StatusCode::kOk};
};

}  // namespace souvenir
