#include "cli/audio_names.h"

#include <array>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"

namespace souvenir::cli {
namespace {

using std::string_view_literals::operator""sv;

using souvenir::v1::AudioContainer;
using souvenir::v1::AudioEncoding;

constexpr std::array kEncodings = {
    std::pair("s16le"sv, souvenir::v1::AUDIO_ENCODING_S16LE),
    std::pair("s16be"sv, souvenir::v1::AUDIO_ENCODING_S16BE),
    std::pair("s24le"sv, souvenir::v1::AUDIO_ENCODING_S24LE),
    std::pair("s32le"sv, souvenir::v1::AUDIO_ENCODING_S32LE),
    std::pair("f32le"sv, souvenir::v1::AUDIO_ENCODING_F32LE),
    std::pair("u8"sv, souvenir::v1::AUDIO_ENCODING_U8),
    std::pair("mulaw"sv, souvenir::v1::AUDIO_ENCODING_MULAW),
    std::pair("alaw"sv, souvenir::v1::AUDIO_ENCODING_ALAW),
};

constexpr std::array kFormats = {
    std::pair("wav"sv, souvenir::v1::AUDIO_CONTAINER_WAV),
    std::pair("flac"sv, souvenir::v1::AUDIO_CONTAINER_FLAC),
    std::pair("ogg"sv, souvenir::v1::AUDIO_CONTAINER_OGG),
    std::pair("raw"sv, souvenir::v1::AUDIO_CONTAINER_RAW),
};

constexpr std::array kOtherExtensions = {
    std::pair("wave"sv, souvenir::v1::AUDIO_CONTAINER_WAV),
    std::pair("oga"sv, souvenir::v1::AUDIO_CONTAINER_OGG),
    std::pair("pcm"sv, souvenir::v1::AUDIO_CONTAINER_RAW),
};

template <typename Names>
std::vector<std::string> NamesOf(const Names& names) {
  std::vector<std::string> out;
  for (const auto& [name, value] : names) out.emplace_back(name);
  return out;
}

// Returns the value with this name, or `none`.
template <typename Names, typename Value>
Value Find(const Names& names, std::string_view wanted, Value none) {
  for (const auto& [name, value] : names) {
    if (name == wanted) return value;
  }
  return none;
}

}  // namespace

std::vector<std::string> AudioEncodingNames() { return NamesOf(kEncodings); }

AudioEncoding AudioEncodingOf(std::string_view name) {
  return Find(kEncodings, name, souvenir::v1::AUDIO_ENCODING_UNSPECIFIED);
}

std::vector<std::string> AudioFormatNames() { return NamesOf(kFormats); }

AudioContainer AudioFormatOf(std::string_view name) {
  return Find(kFormats, name, souvenir::v1::AUDIO_CONTAINER_UNSPECIFIED);
}

AudioContainer AudioFormatOfFile(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  if (extension.empty()) return souvenir::v1::AUDIO_CONTAINER_UNSPECIFIED;
  extension = absl::AsciiStrToLower(extension.substr(1));
  return Find(kOtherExtensions, extension, AudioFormatOf(extension));
}

}  // namespace souvenir::cli
