#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "common/gate.h"
#include "gateway/resolve/resolver.h"

namespace souvenir::gateway {

// The flights that one call began for one target, on their way to an answer: disk first, then one
// call upstream for what is left.
//
// Keeps itself alive until its flights have landed, and keeps the call, whose memory the inputs are
// in. Steps follow one another on whatever thread brings the last one's outcome.
class Computation : public std::enable_shared_from_this<Computation> {
 public:
  struct Row {
    cache::FlightPtr flight;
    size_t question;
    // What was found and is too old to answer, but better than an error; may be null.
    cache::EntryPtr stale = nullptr;
  };

  enum class LookUp {
    kFirst,  // memory and disk, and then what is left is asked upstream
    kNone,   // upstream at once: what is there is to be replaced
  };

  // REQUIRES: rows is not empty; all rows' questions are of one target, and if that is not asked by
  // rows there is only one.
  Computation(Resolver* resolver, ResolveCallPtr call, std::vector<Row> rows);
  ~Computation();

  void Start(LookUp look_up);

 private:
  const Target& target() const { return *question(rows_.front()).target; }
  const Question& question(const Row& row) const { return call_->questions[row.question]; }

  // Lands the rows that memory or the disk have, as far as that can be told without waiting; true
  // where the disk has to be asked for the rest.
  bool LandWhatIsAtHand();
  // As TieredCache::ProbeDisk(), but unknown where enough was read for the call.
  cache::SegmentStore::Presence ProbeDisk(const Row& row, cache::EntryPtr* entry);
  void LandWhatIsOnDisk(absl::Duration asked_at);
  void CallUpstream();
  std::unique_ptr<inference::ModelInferRequest> BuildRequest() const;

  void OnUpstreamDone(absl::StatusOr<std::unique_ptr<inference::ModelInferResponse>> response);
  void OnUpstreamFailed(const absl::Status& status);
  // Lands all rows with what the response holds for them. INTERNAL, with nothing landed, where it
  // is not what was asked for and declared.
  absl::Status LandFromResponse(const inference::ModelInferResponse& response);
  // Whose answer it is: the target's, or that of the target as it is with another digest.
  absl::StatusOr<TargetPtr> AnsweredTarget(const inference::ModelInferResponse& response) const;
  // An output of the response, checked, for each row.
  absl::StatusOr<std::vector<TensorView>> RowsOf(const TensorView& output, const Target& answered,
                                                 std::vector<int64_t>* row_shape) const;
  // Asks for each row by itself, so that rows that are well do not share another's fate.
  void StartRowByRow();

  // Lands the row with `entry` if it may answer; else notes it, if it may answer for an error.
  bool LandIfUsable(Row* row, cache::EntryPtr entry, cache::FlightSource source);
  void Land(const Row& row, cache::EntryPtr entry, cache::FlightSource source);
  // Remembers that the only row's input was refused, where such errors are remembered.
  void StoreRefusal(const absl::Status& status);
  cache::Entry::Fields FieldsFor(const Row& row, absl::Duration cost) const;
  absl::Duration CostPerRow(const inference::ModelInferResponse& response) const;
  void FailAll(const absl::Status& status);
  std::vector<cache::FlightPtr> flights() const;
  // Sees what becomes of the rows, now that somebody or nobody waits for them: what has not begun
  // is given up where nobody does, and what has begun goes on within the budget of deserted work.
  void Reconsider();
  // Whether an answer would be remembered.
  bool WouldBeKept() const;
  void GiveUpIfDeserted();
  // What the call of compute came to, for the budget of deserted work.
  void EndDeserted(DesertedWork::End end);

  Resolver* const resolver_;
  const std::optional<Gate::Pass> pass_;
  const ResolveCallPtr call_;
  std::vector<Row> rows_;     // those not landed; unchanged from CallUpstream() on
  uint64_t bytes_ = 0;        // of their inputs, as counted by the resolver
  absl::Duration called_at_;  // by Clock::Monotonic()

  Mutex mutex_;
  std::shared_ptr<Upstream::Call> upstream_call_ ABSL_GUARDED_BY(mutex_);
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  // Compute was asked, for these rows or for a batch with them: the gateway cannot know whether it
  // has begun, and takes it that it has.
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;     // the call was answered
  bool deserted_ ABSL_GUARDED_BY(mutex_) = false;  // and counted so
};

}  // namespace souvenir::gateway
