#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Notes the present state of the files that Backend::DigestedFiles() lists, and returns the check
// for ModelDescription::check_files: UNAVAILABLE, with the command that loads the model again, if
// the files have been changed, replaced, added or removed since. A file whose old content was
// restored has changed too. Returns an empty check if the model has no files.
//
// Call it before Backend::Digest(), so that a change while the digest is computed is found. The
// check may be called from any thread, reads no file's content, and takes no lock. `backend` must
// outlive it. `on_change`, unless it is empty, is called by each check that finds a change, with a
// text, never empty, that differs for each new state of the files. Errors are those of
// DigestedFiles().
//
// Blocks on the disk. If a file has been changed within the last tick of the kernel's clock, waits
// for the next tick, because a further change could not be told from that one (FileStamp).
absl::StatusOr<FilesCheck> MakeFilesCheck(
    Backend* backend, const ModelDescription& description,
    std::function<void(const std::string& state)> on_change = nullptr);

}  // namespace souvenir::compute
