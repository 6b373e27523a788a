#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace souvenir::storage {

// Checks in a child process whether a store can be opened. RocksDB may abort on a damaged store,
// most often as Debian builds it, with assertions, and that must not end the process that serves.

// Does the work of the child process and returns its exit code, or returns nullopt in any other
// process. main() must call it first.
std::optional<int> RunAsStoreCheck(int argc, const char* const* argv);

// Checks the store in `directory` with a child process of `program`, whose main() begins with
// RunAsStoreCheck(), and waits for it. If `program` is empty, checks only that the store's file
// CURRENT, if there, is a regular file. DATA_LOSS, with the reason, if the store is damaged; OK if
// it is sound or absent, and if the check itself fails.
absl::Status CheckStore(const std::string& program, const std::string& directory);

// Renames a damaged store to `directory`.damaged, and deletes what had that name.
absl::Status MoveAside(const std::string& directory);

}  // namespace souvenir::storage
