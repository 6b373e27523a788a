#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/file_stamp.h"

namespace souvenir::compute {

// The state of the files that the engine reads at a request: the dictionaries, which are in the
// folder of the data itself, and the files of voices below lang/. Immutable.
//
// Check() finds them by short paths, relative to the working directory, because 115 absolute paths
// would take three times as long: a third of a millisecond.
class DataStamps {
 public:
  // Notes the present state. FAILED_PRECONDITION if the folder `data` cannot be read.
  static absl::StatusOr<DataStamps> Note(const std::string& data);

  // Checks that neither the folder nor its own files nor the voice `file` (Voice::file) have
  // changed. UNAVAILABLE names the one that has. REQUIRES: the folder is the working directory.
  absl::Status Check(const std::string& file) const;

 private:
  std::map<std::string, FileStamp> own_;     // the folder's files and the folder
  std::map<std::string, FileStamp> voices_;  // by Voice::file
};

}  // namespace souvenir::compute
