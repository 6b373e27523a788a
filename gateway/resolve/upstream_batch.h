#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "gateway/resolve/pending_row.h"
#include "gateway/resolve/resolve_context.h"

namespace souvenir::gateway {

// Returns the name of the group in which a row may go upstream. Rows of a group differ only in
// their bytes and callers, so that one call can ask for all of them. Returns "" for a row that goes
// alone, because its model is not asked by rows.
std::string UpstreamGroup(const PendingRow& row);

// Rows that go upstream in one call. The batch checks the answer, caches it and lands the flights
// of the rows.
//
// If nobody waits for any of the rows any more, the call goes on within the budget of deserted work
// (ADR 0020). If a call of several rows fails for a reason that may lie in one of them, each row is
// asked for once more by itself, so that one caller's row does not fail the others.
//
// Keeps itself alive until the call has ended. Thread-safe.
class UpstreamBatch : public std::enable_shared_from_this<UpstreamBatch> {
 public:
  // The outcome of the call, for the limit of calls under way.
  struct Outcome {
    absl::Status status;
    absl::Duration took;
    std::optional<absl::Duration> waited;  // at compute; absent if it does not say
    int64_t instances = 0;                 // instances of the model; 0 if compute does not say
  };
  // Called once, before the rows land, on the thread that brings the answer, which may be the one
  // in Start(). Must not block.
  using Ended = std::function<void(const Outcome& outcome)>;
  // Receives rows that are to be asked for once more, each by itself. Called at most once, after
  // Ended.
  using AskAgain = std::function<void(PendingRows rows)>;

  // REQUIRES: `rows` is not empty; all rows are of one UpstreamGroup(), and if that is "", there is
  // only one row.
  UpstreamBatch(const ResolveContext* context, PendingRows rows)
      : context_(context), rows_(std::move(rows)) {}

  // Makes the call. Called once.
  void Start(Ended ended, AskAgain ask_again);

 private:
  const Target& target() const { return *rows_.front()->target(); }

  std::shared_ptr<const Inference> MakeInference() const;

  void OnDone(absl::StatusOr<InferenceAnswer> answer);
  void OnFailed(const absl::Status& status);
  // Returns the requested outputs, by output and then by row. INTERNAL if the answer does not match
  // the request and the declarations.
  absl::StatusOr<std::vector<std::vector<TensorView>>> Split(
      const InferenceAnswer& answer, std::vector<std::vector<int64_t>>* row_shapes) const;
  absl::StatusOr<std::vector<TensorView>> RowsOf(const TensorView& output, bool is_declared,
                                                 std::vector<int64_t>* row_shape) const;
  // Lands all rows with their parts of the answer. INTERNAL if the answer is malformed; then no row
  // has landed.
  absl::Status LandAnswer(const InferenceAnswer& answer);
  void LandRow(const PendingRow& row, const TargetPtr& answered,
               const std::vector<TensorView>& outputs, absl::Duration cost);
  // Caches the refusal of the only row's input, if the model's policy allows that, and if it is
  // known which model refused.
  void StoreRefusal(const absl::Status& status);
  // Returns true if a model with `digest` has replaced the one that was asked, and tells the
  // catalog. "" is the digest of a server that tells none, and replaces nothing.
  bool IsReplacedBy(std::string_view digest) const;

  // Returns the fields of an entry for `row`, made by the model of `answered`: row.target(), or the
  // same with another digest.
  cache::Entry::Fields FieldsFor(const PendingRow& row, const TargetPtr& answered,
                                 absl::Duration cost) const;
  absl::Duration CostPerRow(const InferenceAnswer& answer) const;
  void NoteStage(Stage stage, absl::Duration took) const;
  absl::Duration Elapsed() const { return context_->clock->Monotonic() - called_at_; }
  void FailAll(const absl::Status& status);

  // Decides whether the call goes on, after callers have come or gone. Does nothing once the call
  // has ended.
  void Reconsider();
  std::vector<cache::FlightPtr> flights() const;
  // Returns true if an answer would be cached.
  bool WouldBeKept() const;
  // Joins the budget of deserted work. Returns false if it has no room.
  bool TryDesert();
  void GiveUpIfDeserted();
  void LeaveDeserted(DesertedWork::End end);

  const ResolveContext* const context_;
  const PendingRows rows_;
  Ended ended_;  // set by Start(), like the next two
  AskAgain ask_again_;
  absl::Duration called_at_;  // monotonic time of Start()

  Mutex mutex_;
  std::shared_ptr<Upstream::Call> call_ ABSL_GUARDED_BY(mutex_);
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;    // the call was answered
  bool is_given_up_ ABSL_GUARDED_BY(mutex_) = false;  // it was cancelled, or will be
  bool is_deserted_ ABSL_GUARDED_BY(mutex_) = false;  // it is in the budget of deserted work
};

}  // namespace souvenir::gateway
