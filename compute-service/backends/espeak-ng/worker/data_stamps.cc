#include "compute-service/backends/espeak-ng/worker/data_stamps.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <system_error>

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

constexpr char kVoices[] = "lang/";

void Note(const std::string& path, const std::string& name,
          std::map<std::string, FileStamp>* stamps) {
  if (const std::optional<FileStamp> stamp = StampOf(path)) stamps->emplace(name, *stamp);
}

absl::Status Changed(const std::string& path) {
  return absl::UnavailableError(
      fmt::format("{} has changed since eSpeak NG's data were loaded", path));
}

}  // namespace

absl::StatusOr<DataStamps> DataStamps::Note(const std::string& data) {
  DataStamps stamps;
  // The folder's absolute path finds one that was put in its place.
  compute::Note(data, data, &stamps.own_);
  std::error_code error;
  for (fs::directory_iterator it(data, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) {
      compute::Note(it->path().string(), it->path().filename().string(), &stamps.own_);
    }
  }
  const fs::path voices = fs::path(data) / kVoices;
  if (!error) {
    for (fs::recursive_directory_iterator it(voices, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      std::error_code ignored;
      if (it->is_regular_file(ignored)) {
        compute::Note(it->path().string(), it->path().lexically_relative(voices).string(),
                      &stamps.voices_);
      }
    }
  }
  if (!error) return stamps;
  return absl::FailedPreconditionError(fmt::format("cannot read {}: {}", data, error.message()));
}

absl::Status DataStamps::Check(const std::string& file) const {
  for (const auto& [path, stamp] : own_) {
    if (StampOf(path) != stamp) return Changed(path);
  }
  const auto voice = voices_.find(file);
  const std::string path = kVoices + file;
  if (voice == voices_.end() || StampOf(path) != voice->second) return Changed(path);
  return absl::OkStatus();
}

}  // namespace souvenir::compute
