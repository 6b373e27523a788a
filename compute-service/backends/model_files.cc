#include "compute-service/backends/model_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/file_stamp.h"
#include "common/sha256.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

// Bound for the wait for files that never rest. A change of them is found by their later times.
constexpr int kMostWaits = 5;

struct FilesState {
  std::string text;       // differs for each state of the files; empty if there are none
  int64_t newest_ns = 0;  // Unix time of the last change
};

// Collects the stamps of files.
class StateReader {
 public:
  void Add(const std::string& path) {
    const std::optional<FileStamp> stamp = StampOf(path);
    if (stamp && !stamp->is_regular) return AddFolder(path);
    AddFile(path, stamp);
  }

  FilesState Finish() && {
    if (lines_.empty()) return {};
    std::sort(lines_.begin(), lines_.end());
    Sha256 hash;
    for (const std::string& line : lines_) hash.Add(line);
    return {HexString(hash.Finish()), newest_ns_};
  }

 private:
  void AddFolder(const std::string& path) {
    std::error_code error;
    fs::recursive_directory_iterator it(path, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      // Digests leave out Python's compiled files too.
      if (it->path().filename() == "__pycache__") it.disable_recursion_pending();
      const std::string file = it->path().string();
      const std::optional<FileStamp> stamp = StampOf(file);
      if (stamp && stamp->is_regular) AddFile(file, stamp);
    }
    if (error) lines_.push_back(fmt::format("{} {}", path, error.value()));
  }

  void AddFile(const std::string& path, const std::optional<FileStamp>& stamp) {
    if (!stamp) return lines_.push_back(fmt::format("{} is absent", path));
    lines_.push_back(fmt::format("{} {} {} {} {}", path, stamp->inode, stamp->size,
                                 stamp->modified_ns, stamp->changed_ns));
    newest_ns_ = std::max(newest_ns_, stamp->changed_ns);
  }

  std::vector<std::string> lines_;
  int64_t newest_ns_ = 0;
};

absl::StatusOr<FilesState> ReadState(Backend& backend, const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                            backend.DigestedFiles(description));
  StateReader reader;
  for (const std::string& path : paths) reader.Add(path);
  return std::move(reader).Finish();
}

// Returns true if a further change may leave the state as it is.
bool MayHideChanges(const FilesState& state) {
  const int64_t age_ns = absl::ToUnixNanos(Clock::System()->Now()) - state.newest_ns;
  return std::abs(age_ns) < FileStamp::kTickNs;
}

}  // namespace

absl::StatusOr<FilesCheck> MakeFilesCheck(Backend* backend, const ModelDescription& description,
                                          std::function<void(const std::string&)> on_change) {
  SOUVENIR_ASSIGN_OR_RETURN(FilesState noted, ReadState(*backend, description));
  for (int waits = 0; waits < kMostWaits && MayHideChanges(noted); ++waits) {
    absl::SleepFor(absl::Nanoseconds(FileStamp::kTickNs));
    SOUVENIR_ASSIGN_OR_RETURN(noted, ReadState(*backend, description));
  }
  if (noted.text.empty()) return FilesCheck();
  return [backend, description, on_change = std::move(on_change),
          text = noted.text]() -> absl::Status {
    // The files are listed again, because the list may depend on their content.
    const absl::StatusOr<FilesState> present = ReadState(*backend, description);
    if (present.ok() && present->text == text) return absl::OkStatus();
    if (on_change) on_change(present.ok() && !present->text.empty() ? present->text : "none");
    return FilesChangedError(
        fmt::format("the files of model '{0}' have changed since they were last read; "
                    "`souvenir models load {0}` loads it again{1}",
                    description.config.name(), backend->files_advice()));
  };
}

}  // namespace souvenir::compute
