#include "common/audio/wav_stream.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.h"

// An input is a byte, and a WAV file. The byte is the size of the pieces in which the file comes
// the second time.

namespace souvenir {
namespace {

struct Parsed {
  absl::Status status;
  std::string format;
  std::string audio;
};

Parsed Parse(std::string_view file, size_t piece) {
  WavStream wav;
  Parsed parsed;
  for (size_t at = 0; at < file.size() && parsed.status.ok(); at += piece) {
    parsed.status = wav.Add(file.substr(at, piece), &parsed.audio);
    Require(parsed.audio.empty() || wav.format().has_value(), "the format precedes the samples");
  }
  if (parsed.status.ok()) parsed.status = wav.Finish();
  if (wav.format()) parsed.format = PcmFormatText(*wav.format());
  return parsed;
}

void Try(std::string_view data) {
  if (data.empty()) return;
  const size_t piece = static_cast<uint8_t>(data[0]) + size_t{1};
  data.remove_prefix(1);
  const Parsed whole = Parse(data, data.size() + 1);
  const Parsed pieces = Parse(data, piece);
  Require(whole.status == pieces.status, "errors do not depend on the pieces");
  Require(whole.status.message().size() < 500, "a message is short");
  Require(whole.format == pieces.format && whole.audio == pieces.audio,
          "samples do not depend on the pieces");
  Require(data.find(whole.audio) != std::string_view::npos, "they are a part of the file");
  if (!whole.status.ok()) return;
  Require(ParsePcmFormat(whole.format).ok(), "the format is within the limits");
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
