#pragma once

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// The outcome of the last check of a model's files, which engines call whenever they start a
// process. Shared by the model and its check. Thread-safe.
class FilesNote {
 public:
  // Returns a check that calls `check` and notes the outcome in `note`. Returns an empty check for
  // an empty one.
  static FilesCheck Noting(FilesCheck check, std::shared_ptr<FilesNote> note) {
    if (!check) return check;
    return [check = std::move(check), note = std::move(note)] {
      absl::Status status = check();
      MutexLock lock(&note->mutex_);
      note->last_ = status;
      return status;
    };
  }

  // Returns OK before the first check.
  absl::Status last() const {
    MutexLock lock(&mutex_);
    return last_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
