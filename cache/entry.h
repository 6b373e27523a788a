#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cache/epochs.h"
#include "cache/fingerprint.h"

namespace souvenir::cache {

// Whose answer an entry is. One object is shared by all entries of a model and tenant.
struct Origin {
  std::string tenant;
  std::string model;
  std::string version;  // the one that answered
  std::string digest;   // hex
};

// One remembered answer. Immutable once it is shared, so that a hit of any size copies nothing; it
// lives until the last one who reads it lets go, whatever the tiers do meanwhile.
struct Entry {
  Fingerprint key;
  std::shared_ptr<const Origin> origin;
  std::string value;      // outputs, as common/tensor/tensor_codec.h writes
  absl::Time created_at;  // when it was computed
  absl::Time expires_at = absl::InfiniteFuture();
  absl::Duration cost;  // what computing it took
  std::vector<std::string> tags;
  EpochStamp epochs;  // from before it was computed

  // What it holds of memory, its own size included, roughly as malloc counts.
  size_t charge() const;
};

using EntryPtr = std::shared_ptr<const Entry>;

}  // namespace souvenir::cache
