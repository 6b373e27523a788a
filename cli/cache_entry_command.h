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

// Prints the entry that the cache has under a key, from the admin port. kFailed if there is none.
Outcome CacheEntry(const CacheEntryOptions& options, const Settings& settings, Console& console);

// Renders an entry for a person. If the entry has its value, the outputs follow, each element by
// its datatype.
std::string RenderEntry(const souvenir::v1::GetEntryResponse& entry, absl::Time now);

}  // namespace souvenir::cli
