#pragma once

#include <string>

#include "absl/time/time.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"
#include "souvenir/v1/cache.pb.h"

namespace souvenir::cli {

struct CacheEntryOptions {
  std::string key;          // fingerprint, 64 hex digits
  bool with_value = false;  // the outputs, decoded
};

// What the cache keeps under a key, from the admin port. kFailed where there is no such entry.
Outcome CacheEntry(const CacheEntryOptions& options, const Settings& settings, Console& console);

// As a person reads it, with the outputs where the entry has its value: each element as its
// datatype says.
std::string RenderEntry(const souvenir::v1::GetEntryResponse& entry, absl::Time now);

}  // namespace souvenir::cli
