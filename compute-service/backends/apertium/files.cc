#include "compute-service/backends/apertium/files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace souvenir::compute {
namespace {

absl::Status FileError(const std::string& path) {
  const int error = errno;
  const std::string message =
      fmt::format("cannot read {}: {}", path, std::generic_category().message(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  return absl::InternalError(message);
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "rbe"), fclose);
  if (file == nullptr) return FileError(path);
  std::string bytes;
  char buffer[1 << 16];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), file.get())) {
    bytes.append(buffer, size);
  }
  if (ferror(file.get()) != 0) return FileError(path);
  return bytes;
}

}  // namespace souvenir::compute
