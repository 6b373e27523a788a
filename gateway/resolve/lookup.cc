#include "gateway/resolve/lookup.h"

#include <utility>

namespace souvenir::gateway {

void Lookup::Start(const ResolveContext* context, PendingRows rows, Next next) {
  std::shared_ptr<Lookup>(new Lookup(context, std::move(rows), std::move(next)))->AskFrom(0);
}

void Lookup::AskFrom(size_t tier) {
  for (; tier < context_->tiers.size() && !rows_.empty(); ++tier) {
    PendingRows later;
    for (const PendingRowPtr& row : std::exchange(rows_, {})) {
      cache::EntryPtr entry;
      switch (context_->tiers[tier]->TryLookup(row->key(), &row->call()->read_at_hand, &entry)) {
        case cache::Tier::Reply::kFound:
        case cache::Tier::Reply::kAbsent:
          Take(row, std::move(entry), context_->tiers[tier]->source());
          break;
        case cache::Tier::Reply::kLater:
          later.push_back(row);
          break;
      }
    }
    if (!later.empty() && AskLater(tier, later)) return;
    // If a tier is too busy to be asked, its rows are computed.
    left_.insert(left_.end(), later.begin(), later.end());
  }
  left_.insert(left_.end(), rows_.begin(), rows_.end());
  next_(std::move(left_));
}

bool Lookup::AskLater(size_t tier, PendingRows rows) {
  std::vector<cache::Fingerprint> keys;
  keys.reserve(rows.size());
  for (const PendingRowPtr& row : rows) keys.push_back(row->key());
  return context_->tiers[tier]->Lookup(
      std::move(keys), [self = shared_from_this(), tier, rows = std::move(rows),
                        asked_at = context_->clock->Monotonic()](size_t i, cache::EntryPtr entry) {
        const ResolveContext& context = *self->context_;
        // Noted before the row lands, because the call may be answered then.
        rows[i]->call()->stages.Note(Stage::kDisk, context.clock->Monotonic() - asked_at);
        self->Take(rows[i], std::move(entry), context.tiers[tier]->source());
        if (i + 1 == rows.size()) self->AskFrom(tier + 1);
      });
}

void Lookup::Take(const PendingRowPtr& row, cache::EntryPtr entry, cache::FlightSource source) {
  if (entry == nullptr) {
    rows_.push_back(row);
    return;
  }
  switch (row->JudgeFound(*entry, *context_->clock)) {
    case Freshness::kFresh:
    case Freshness::kStale:
      row->Land(context_->flights, std::move(entry), source);
      return;
    case Freshness::kIfError:
      row->KeepForError(std::move(entry));
      break;
    case Freshness::kTooOld:
      break;
  }
  // The next tiers have the same entry, or an older one.
  left_.push_back(row);
}

}  // namespace souvenir::gateway
