#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "cache/entry.h"
#include "common/mutex.h"

namespace souvenir::cache {

// Sees to it that entries that are read from a file share their origins. Thread-safe.
class OriginTable {
 public:
  OriginPtr Get(Origin::Fields fields);

 private:
  Mutex mutex_;
  absl::flat_hash_map<std::string, OriginPtr> origins_ ABSL_GUARDED_BY(mutex_);
  size_t next_sweep_ ABSL_GUARDED_BY(mutex_) = 64;
};

}  // namespace souvenir::cache
