#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>

namespace souvenir::cache {

// Returns the files below `directory` with their sizes in bytes.
inline std::map<std::string, uintmax_t> FilesOf(const std::string& directory) {
  std::map<std::string, uintmax_t> files;
  std::error_code gone;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory, gone)) {
    files[file.path()] = file.file_size(gone);
  }
  return files;
}

// Copies an open store in the state in which a crash would leave it. RocksDB writes and deletes
// files in the background. A copy during which that happened has no consistent state and is
// repeated.
inline void CopyStore(const std::string& from, const std::string& to) {
  std::error_code error;
  std::map<std::string, uintmax_t> files;
  do {
    files = FilesOf(from);
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, error);
  } while (error == std::errc::no_such_file_or_directory || FilesOf(from) != files);
  if (error) throw std::filesystem::filesystem_error("cannot copy", from, to, error);
}

}  // namespace souvenir::cache
