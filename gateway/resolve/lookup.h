#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gateway/resolve/pending_row.h"
#include "gateway/resolve/resolve_context.h"

namespace souvenir::gateway {

// Looks for the answers of rows in one tier after another: memory, then disk. A row whose answer is
// found lands; the others are handed on.
//
// Keeps itself alive until then. The steps run one after another: on the calling thread while the
// tiers answer at once, then on threads of the tiers.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  // Receives the rows for which no tier has an answer; may be empty.
  using Next = std::function<void(PendingRows rows)>;

  // Looks up `rows`, which are of one call.
  static void Start(const ResolveContext* context, PendingRows rows, Next next);

 private:
  Lookup(const ResolveContext* context, PendingRows rows, Next next)
      : context_(context), rows_(std::move(rows)), next_(std::move(next)) {}

  // Asks the tiers, beginning with number `tier`.
  void AskFrom(size_t tier);
  // Has the tier with number `tier` look up `rows` on its own threads. Returns false if it is too
  // busy.
  bool AskLater(size_t tier, PendingRows rows);
  // Takes the reply of a tier for `row`: lands the row if the entry may answer it.
  void Take(const PendingRowPtr& row, cache::EntryPtr entry, cache::FlightSource source);

  const ResolveContext* const context_;
  PendingRows rows_;  // rows to ask the next tier for
  PendingRows left_;  // rows without an answer that no further tier is asked for
  const Next next_;
};

}  // namespace souvenir::gateway
