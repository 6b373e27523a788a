#include "cli/standard_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "common/status_macros.h"

namespace souvenir::cli {

absl::StatusOr<size_t> Read(std::istream& in, char* buffer, size_t size) {
  errno = 0;
  // An iterator over the stream would pass on exceptions of its buffer; read() sets badbit instead.
  in.read(buffer, static_cast<std::streamsize>(size));
  if (in.bad()) {
    return absl::InternalError(fmt::format("cannot read standard input: {}",
                                           std::generic_category().message(errno ? errno : EIO)));
  }
  return static_cast<size_t>(in.gcount());
}

absl::StatusOr<std::string> ReadAll(std::istream& in, size_t most_bytes) {
  constexpr size_t kPieceBytes = 64u << 10;
  std::string text;
  for (;;) {
    const size_t before = text.size();
    const size_t next = std::min(kPieceBytes, most_bytes - before) + 1;
    text.resize(before + next);
    SOUVENIR_ASSIGN_OR_RETURN(const size_t size, Read(in, text.data() + before, next));
    text.resize(before + size);
    if (text.size() > most_bytes) {
      return absl::ResourceExhaustedError(
          fmt::format("standard input has more than {} bytes, the most that is read", most_bytes));
    }
    if (size < next) return text;
  }
}

}  // namespace souvenir::cli
