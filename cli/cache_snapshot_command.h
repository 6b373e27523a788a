#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct CacheSnapshotOptions {
  std::string file;  // "-": standard output or input
  bool yes = false;  // export: replace the file whatever it is
};

// Writes a snapshot of the cache to a file, by way of the admin port. A file that is there is
// replaced once the new one is complete; one that is no snapshot is asked for first (see
// confirm.h). What is no file (a pipe, /dev/null) is written to. Takes as long as it takes:
// --timeout does not count.
Outcome CacheExport(const CacheSnapshotOptions& options, const Settings& settings,
                    Console& console);

// Takes a snapshot into the cache.
Outcome CacheImport(const CacheSnapshotOptions& options, const Settings& settings,
                    Console& console);

}  // namespace souvenir::cli
