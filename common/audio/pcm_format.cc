#include "common/audio/pcm_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "common/cut_text.h"
#include "common/escape_controls.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

struct Encoding {
  PcmEncoding encoding;
  std::string_view name;
  size_t bytes;
};

constexpr Encoding kEncodings[] = {
    {PcmEncoding::kS16le, "s16le", 2}, {PcmEncoding::kS16be, "s16be", 2},
    {PcmEncoding::kS24le, "s24le", 3}, {PcmEncoding::kS32le, "s32le", 4},
    {PcmEncoding::kF32le, "f32le", 4}, {PcmEncoding::kU8, "u8", 1},
    {PcmEncoding::kMulaw, "mulaw", 1}, {PcmEncoding::kAlaw, "alaw", 1},
};
constexpr std::string_view kEncodingNames = "s16le, s16be, s24le, s32le, f32le, u8, mulaw and alaw";
constexpr std::string_view kExpected =
    "ENCODING;rate=R;channels=C is expected, as s16le;rate=16000";

constexpr size_t kMostShownBytes = 64;

const Encoding& Find(PcmEncoding encoding) {
  return *std::find_if(std::begin(kEncodings), std::end(kEncodings),
                       [&](const Encoding& known) { return known.encoding == encoding; });
}

// Returns what a caller has sent in a form that fits into a message, which must be UTF-8.
std::string Shown(std::string_view text) {
  std::string shown = EscapeControls(text.substr(0, kMostShownBytes + 1));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return Shortened(shown, kMostShownBytes);
}

absl::Status Refused(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("audio format: {}", what));
}

// Reads one "name=number" of a format.
absl::StatusOr<int> ReadNumber(std::string_view name, std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return Refused(fmt::format("{} is '{}'; it must be a number from {} to {}", name, Shown(text),
                               least, most));
  }
  return number;
}

// Takes the text before the next ';' off `rest`.
std::string_view TakePart(std::string_view* rest) {
  const std::string_view part = rest->substr(0, rest->find(';'));
  rest->remove_prefix(std::min(rest->size(), part.size() + 1));
  return part;
}

}  // namespace

std::string_view PcmEncodingName(PcmEncoding encoding) { return Find(encoding).name; }

size_t BytesPerSample(PcmEncoding encoding) { return Find(encoding).bytes; }

size_t PcmFormat::frame_bytes() const {
  return BytesPerSample(encoding) * static_cast<size_t>(channels);
}

absl::StatusOr<PcmFormat> ParsePcmFormat(std::string_view text) {
  std::string_view rest = text;
  const std::string_view name = TakePart(&rest);
  const auto* const known = std::find_if(std::begin(kEncodings), std::end(kEncodings),
                                         [&](const Encoding& one) { return one.name == name; });
  if (known == std::end(kEncodings)) {
    return Refused(fmt::format("the encoding '{}' is unknown; the encodings are {}; {}",
                               Shown(name), kEncodingNames, kExpected));
  }
  PcmFormat format{.encoding = known->encoding};
  std::optional<int> rate;
  std::optional<int> channels;
  if (name.size() < text.size() && rest.empty()) {
    return Refused(fmt::format("'{}' ends with a ';'; {}", Shown(text), kExpected));
  }
  while (!rest.empty()) {
    const bool is_last = rest.find(';') == std::string_view::npos;
    const std::string_view part = TakePart(&rest);
    if (!is_last && rest.empty()) {
      return Refused(fmt::format("'{}' ends with a ';'; {}", Shown(text), kExpected));
    }
    const size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    std::optional<int>* const value = key == "rate"       ? &rate
                                      : key == "channels" ? &channels
                                                          : nullptr;
    if (value == nullptr || equals == std::string_view::npos) {
      return Refused(fmt::format("'{}' is not a part of a format; {}", Shown(part), kExpected));
    }
    if (*value) return Refused(fmt::format("{} occurs twice", key));
    const bool is_rate = value == &rate;
    SOUVENIR_ASSIGN_OR_RETURN(
        *value, ReadNumber(key, part.substr(equals + 1), is_rate ? kLeastSampleRate : 1,
                           is_rate ? kMostSampleRate : kMostChannels));
  }
  if (!rate) return Refused(fmt::format("'{}' has no rate; {}", Shown(text), kExpected));
  format.rate = *rate;
  format.channels = channels.value_or(1);
  return format;
}

std::string PcmFormatText(const PcmFormat& format) {
  return fmt::format("{};rate={};channels={}", PcmEncodingName(format.encoding), format.rate,
                     format.channels);
}

}  // namespace souvenir
