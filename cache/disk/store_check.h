#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace souvenir::cache {

// Looks whether a store can be opened, before the process that serves does so: RocksDB may abort on
// a damaged one, and Debian's, which has its assertions on, does so more often. So a child process
// tries.

// For main(), first of all: where this is such a child, does its work and returns the exit code.
std::optional<int> RunAsStoreCheck(int argc, const char* const* argv);

// Has `program`, whose main() begins with RunAsStoreCheck(), look at the store in `directory`, and
// waits for it; where `program` is empty nothing is started, and only the kind of the store's first
// file is looked at. DATA_LOSS, with the reason, where it is damaged; OK where it is sound, absent,
// or nothing can be said of it.
absl::Status CheckStore(const std::string& program, const std::string& directory);

// Puts a damaged store out of the way, to `directory`.damaged, in the place of one that is there.
absl::Status MoveAside(const std::string& directory);

}  // namespace souvenir::cache
