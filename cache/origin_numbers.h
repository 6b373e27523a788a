#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "cache/entry.h"
#include "common/mutex.h"

namespace souvenir::cache {

// Numbers for origins, from 0, so that a record names its own in a byte or two. An origin is
// written with the first record that names it. Thread-safe.
class OriginNumbers {
 public:
  // At most, so that callers who make up tenants cannot fill the memory.
  static constexpr uint32_t kMost = 1u << 20;

  // Takes in one that was written. DATA_LOSS where it is damaged.
  absl::Status Restore(uint32_t number, std::string_view bytes);

  // Its number, a new one where it has none; nothing where there are too many.
  std::optional<uint32_t> NumberOf(const Origin& origin);

  // Those that are not written yet, by number, encoded.
  std::vector<std::pair<uint32_t, std::string>> Unsaved() const;
  // What was unsaved is written.
  void Saved();

  // Null where there is none of that number.
  OriginPtr Get(uint32_t number) const;

 private:
  mutable Mutex mutex_;
  std::vector<OriginPtr> origins_ ABSL_GUARDED_BY(mutex_);  // by number; null: unknown
  absl::flat_hash_map<std::string, uint32_t> numbers_ ABSL_GUARDED_BY(mutex_);  // by all its names
  std::vector<uint32_t> unsaved_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::cache
