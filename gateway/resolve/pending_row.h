#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "cache/flights.h"
#include "common/gate.h"
#include "gateway/resolve/lanes.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// A question for which its call began a flight, on its way through the tiers and upstream. It keeps
// the call alive, which owns the bytes of the question, and counts as waiting until it is
// destroyed.
//
// Shared by the parts of the cached path, which hand it on. Only one of them works on it at a time.
class PendingRow {
 public:
  // `lanes` and the gate of `pass` must outlive the row.
  PendingRow(Gate::Pass pass, ResolveCallPtr call, size_t question, cache::FlightPtr flight,
             Lanes* lanes)
      : pass_(std::move(pass)),
        call_(std::move(call)),
        question_(question),
        flight_(std::move(flight)),
        bytes_(BytesOf(question_of_call())),
        in_lane_(lanes->Wait(call_->options.lane, bytes_)) {}
  PendingRow(const PendingRow&) = delete;
  PendingRow& operator=(const PendingRow&) = delete;

  const ResolveCallPtr& call() const { return call_; }
  const cache::FlightPtr& flight() const { return flight_; }
  const cache::Fingerprint& key() const { return flight_->key(); }
  const TargetPtr& target() const { return question_of_call().target; }
  const auto& inputs() const { return question_of_call().inputs; }
  uint64_t bytes() const { return bytes_; }  // bytes of the inputs

  // Returns true if the answer is to be remembered.
  bool is_kept() const { return target()->model().cached && !call_->options.cache.no_store; }

  // Judges an entry that a tier has for the question.
  Freshness JudgeFound(const cache::Entry& entry, const Clock& clock) const {
    return call_->JudgeFound(question_, &entry, clock);
  }

  // Keeps an entry that is too old to answer, but better than an error.
  void KeepForError(cache::EntryPtr entry) { stale_ = std::move(entry); }

  // End the flight: with an answer, or with an error and the entry that was kept for it.
  void Land(cache::FlightTable* flights, cache::EntryPtr entry, cache::FlightSource source) const {
    flights->Land(flight_, {absl::OkStatus(), std::move(entry), source});
  }
  void Fail(cache::FlightTable* flights, const absl::Status& status) const {
    flights->Land(flight_, {status, stale_, cache::FlightSource::kUpstream});
  }

 private:
  const Question& question_of_call() const { return call_->questions[question_]; }

  const Gate::Pass pass_;  // released last
  const ResolveCallPtr call_;
  const size_t question_;
  const cache::FlightPtr flight_;
  const uint64_t bytes_;
  const Lanes::Row in_lane_;
  cache::EntryPtr stale_;  // null if there is none
};

using PendingRowPtr = std::shared_ptr<PendingRow>;
using PendingRows = std::vector<PendingRowPtr>;

}  // namespace souvenir::gateway
