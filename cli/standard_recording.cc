#include "cli/standard_recording.h"

#include <fmt/format.h>

#include <utility>

#include "cli/byte_source.h"
#include "cli/printable.h"
#include "cli/recording.h"
#include "common/audio/wav_stream.h"
#include "common/status_macros.h"

namespace souvenir::cli {
namespace {

constexpr size_t kPieceBytes = 64u << 10;  // of a file that are read at once

}  // namespace

absl::StatusOr<StandardRecording> OpenStandardRecording(const std::optional<PcmFormat>& format,
                                                        Console& console) {
  StandardRecording input;
  std::unique_ptr<ByteSource> bytes = MakeStandardInput(console);
  if (format) {
    input.samples = MakeRawSamples(*format, /*size=*/0, std::move(bytes));
    return input;
  }
  size_t next = WavStream::kFirstBytes;
  while (true) {
    const size_t before = input.bytes.size();
    input.bytes.resize(before + next);
    SOUVENIR_ASSIGN_OR_RETURN(const size_t count, bytes->Read(input.bytes.data() + before, next));
    input.bytes.resize(before + count);
    if (count == 0) return input;
    if (input.bytes.size() > kMostRecordingBytes) {
      return absl::ResourceExhaustedError(fmt::format(
          "standard input has more than {}, the most that is read of a file which is not WAV",
          HumanBytes(kMostRecordingBytes)));
    }
    if (input.bytes.size() < WavStream::kFirstBytes) {
      next = WavStream::kFirstBytes - input.bytes.size();
    } else if (WavStream::IsWav(input.bytes)) {
      SOUVENIR_ASSIGN_OR_RETURN(input.samples,
                                OpenWavSamples(std::exchange(input.bytes, ""), std::move(bytes)));
      return input;
    } else {
      next = kPieceBytes;
    }
  }
}

}  // namespace souvenir::cli
