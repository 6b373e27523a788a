#include "cli/recording.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/status/status.h"
#include "cli/printable.h"
#include "common/read_file.h"
#include "common/status_macros.h"

namespace souvenir::cli {

namespace {

absl::Status TooLarge(const std::string& file) {
  return absl::ResourceExhaustedError(
      fmt::format("{} has more than {}, the most that is sent in one message", file,
                  HumanBytes(kMostRecordingBytes)));
}

}  // namespace

absl::StatusOr<std::string> ReadRecording(const std::string& file) {
  constexpr size_t kPieceBytes = 1u << 20;
  SOUVENIR_ASSIGN_OR_RETURN(FileReader reader,
                            FileReader::Open(file, FileReader::Kinds::kAnyStream));
  if (reader.size() > kMostRecordingBytes) return TooLarge(file);
  std::string bytes;
  size_t next = reader.size() + 1;  // one more finds the end
  for (;;) {
    const size_t before = bytes.size();
    bytes.resize(before + next);
    SOUVENIR_ASSIGN_OR_RETURN(const size_t size, reader.Read(bytes.data() + before, next));
    bytes.resize(before + size);
    if (bytes.size() > kMostRecordingBytes) return TooLarge(file);
    if (size < next) return bytes;
    next = std::min(kPieceBytes, kMostRecordingBytes - bytes.size() + 1);
  }
}

std::vector<std::string> SmallerRecordingHints() {
  return {
      "The same recording in another format may be small enough: ffmpeg -i RECORDING -ac 1 -ar "
      "16000 recording.flac (or .ogg).",
      "Otherwise cut it, or raise max_message_bytes in the gateway's configuration."};
}

}  // namespace souvenir::cli
