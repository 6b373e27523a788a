#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct CacheSnapshotOptions {
  std::string file;  // "-": standard output or input
  bool yes = false;  // an export replaces any file
};

// Writes a snapshot of the cache to a file, by way of the admin port. The new file replaces an old
// one when it is complete. If the old one is no snapshot, it asks first (see confirm.h). A pipe or
// a character device is written to, but a terminal, a disk, a socket and a directory are refused.
// For the reader of a pipe that has a name it waits, and tells so. --timeout does not apply.
Outcome CacheExport(const CacheSnapshotOptions& options, const Settings& settings,
                    Console& console);

// Adds the entries of a snapshot to the cache, by way of the admin port. For the writer of a pipe
// that has a name it waits, and tells so.
Outcome CacheImport(const CacheSnapshotOptions& options, const Settings& settings,
                    Console& console);

}  // namespace souvenir::cli
