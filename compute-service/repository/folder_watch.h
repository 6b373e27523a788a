#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace souvenir::compute {

// Finds the folders of a model repository that were added, changed or removed.
//
// Owned by the ModelRepository. Thread-safe; Poll() is for one thread at a time. The clock must
// outlive it. Logs folders that cannot be a model's, and a repository that cannot be read.
//
//   watch.TakeUp("a");     // the model is read now
//   watch.Poll(TakeUp);    // nothing, until the folder of "a" changes and settles
class FolderWatch {
 public:
  // Not checked here: CheckComputeConfig() has checked the values that users set.
  struct Options {
    std::string directory;  // the repository
    // Time for which a new or changed folder must stay unchanged before Poll() reports it, so that
    // nobody is still writing to it. 0 means at once.
    absl::Duration settle = absl::ZeroDuration();
    // Approximate number of files and folders that one Poll() looks at. In a larger repository the
    // next Poll() goes on where the last one ended.
    size_t poll_entries = 4096;
  };

  FolderWatch(Options options, Clock* clock) : options_(std::move(options)), clock_(clock) {}

  // Notes the present state of the folder as taken up, and returns its signature; see
  // FolderSignature(). Call it before the folder is read, so that later changes are found. Blocks
  // on the disk.
  std::string TakeUp(const std::string& name);

  // Returns the present signature of the folder. Blocks on the disk.
  std::string Signature(const std::string& name) const;

  // Returns true if the folder differs from what was taken up last. Poll() will report it. Blocks
  // on the disk.
  bool HasChanged(const std::string& name) const;

  // Calls `take_up` for each folder that has changed since it was last taken up and has settled.
  // The folder then counts as taken up. Blocks on the disk, and for `take_up`.
  void Poll(const std::function<void(const std::string& name)>& take_up);

  // Logs why folders cannot be models', each reason once as long as it lasts.
  void TellRefused(const std::vector<absl::Status>& refused);

 private:
  // The state of a model's folder, as Poll() knows it.
  struct Look {
    std::string taken_up;       // signature when it was taken up; "" if it never was
    std::string seen;           // signature at the last look
    absl::Duration seen_since;  // by Clock::Monotonic()
  };

  // Returns the names in the order in which to look at them. The first `*changing` of them have
  // changed and have not settled yet.
  std::vector<std::string> Turn(std::set<std::string> names, size_t* changing);
  // Returns true if the folder has changed and settled, and notes it as taken up then.
  bool HasSettled(const std::string& name, const std::string& signature);

  const Options options_;
  Clock* const clock_;

  mutable Mutex mutex_;
  std::map<std::string, Look> looks_ ABSL_GUARDED_BY(mutex_);
  std::string looked_last_ ABSL_GUARDED_BY(mutex_);  // name of the folder that was looked at last
  std::set<std::string> refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
