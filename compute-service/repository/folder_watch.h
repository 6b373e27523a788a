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

// Tells which folders of a model repository have come, changed or gone.
//
// Owned by the ModelRepository. Thread-safe; Poll() is for one thread at a time. The clock must
// outlive it. Folders that cannot be a model's, and a repository that cannot be read, are logged.
//
//   watch.TakeUp("a");     // the model is read now
//   watch.Poll(TakeUp);    // nothing, until the folder of "a" changes and settles
class FolderWatch {
 public:
  struct Options {
    std::string directory;  // the repository
    // Time for which a new or changed folder must stay as it is before Poll() tells of it, so that
    // nobody is still writing to it. 0 means at once.
    absl::Duration settle = absl::ZeroDuration();
    // Approximate number of files and folders that one Poll() looks at. In a larger repository the
    // next Poll() goes on where the last one ended.
    size_t poll_entries = 4096;
  };

  FolderWatch(Options options, Clock* clock) : options_(std::move(options)), clock_(clock) {}

  // Notes that the folder is taken up as it is now, and returns its signature, see
  // FolderSignature(). To be called before the folder is read, so that what changes while it is
  // read is seen. Blocks on the disk.
  std::string TakeUp(const std::string& name);

  // The folder's signature as it is now, and nothing else. Blocks on the disk.
  std::string Signature(const std::string& name) const;

  // Calls `take_up` for each folder that is not as it was when it was taken up last, and has
  // settled; from then on it counts as taken up. Blocks on the disk, and for `take_up`.
  void Poll(const std::function<void(const std::string& name)>& take_up);

  // Logs why folders are no models', each reason once while it lasts.
  void TellRefused(const std::vector<absl::Status>& refused);

 private:
  // A model's folder, as Poll() sees it.
  struct Look {
    std::string taken_up;       // its signature when it was taken up; "" before
    std::string seen;           // at the last look
    absl::Duration seen_since;  // by Clock::Monotonic()
  };

  // The names in the order in which they are looked at. `*changing` is how many of them, at the
  // beginning, are waited for.
  std::vector<std::string> Turn(std::set<std::string> names, size_t* changing);
  // Returns true if the folder, as it is now, is to be taken up.
  bool HasSettled(const std::string& name, const std::string& signature);

  const Options options_;
  Clock* const clock_;

  Mutex mutex_;
  std::map<std::string, Look> looks_ ABSL_GUARDED_BY(mutex_);
  std::string looked_last_ ABSL_GUARDED_BY(mutex_);  // the name
  std::set<std::string> refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
