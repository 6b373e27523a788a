#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace souvenir {

// The identity of a file's content, as far as the system knows it without reading the file. A file
// that is written to, or replaced by another one, has another stamp from then on. This also holds
// for a file that gets its old content and times back, because no program can set `changed_ns`.
//
// The kernel's time of a change advances in ticks. Two changes within kTickNs may have the same
// stamp.
struct FileStamp {
  // Twice the longest tick of Linux, so that a stamp of this age is older than any later change.
  static constexpr int64_t kTickNs = 20'000'000;

  bool is_regular = false;
  uint64_t inode = 0;
  uint64_t size = 0;        // in bytes
  int64_t modified_ns = 0;  // Unix time of the last change of the content
  int64_t changed_ns = 0;   // Unix time of the last change of content, name, owner or mode

  bool operator==(const FileStamp&) const = default;
};

// Return the stamp of the file or folder that `path` leads to, through symbolic links, or of an
// open file. Return nullopt if there is none, or if the system does not tell. Block only on the
// disk.
std::optional<FileStamp> StampOf(const std::string& path);
std::optional<FileStamp> StampOf(int fd);

}  // namespace souvenir
