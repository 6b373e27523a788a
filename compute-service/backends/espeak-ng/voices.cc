#include "compute-service/backends/espeak-ng/voices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>

#include "common/cut_text.h"
#include "common/escape_controls.h"
#include "common/language/language_tag.h"
#include "common/nearest.h"
#include "common/read_file.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostVoices = 500;
constexpr size_t kMostFiles = 2000;
constexpr uint64_t kMostFileBytes = 64 << 10;  // those of Debian have at most 3 KB
constexpr size_t kMostCodeBytes = 40;
constexpr size_t kMostDescriptionBytes = 80;
constexpr size_t kMostNameBytes = 40;  // of an unknown name in a message

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Returns the rest of the first line that begins with `attribute`, without its comment.
std::string_view Attribute(std::string_view text, std::string_view attribute) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = Trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find("//"));
    if (!line.starts_with(attribute) || line.size() == attribute.size()) continue;
    const char next = line[attribute.size()];
    if (next == ' ' || next == '\t') return Trimmed(line.substr(attribute.size()));
  }
  return {};
}

// A code becomes a name on the wire and part of messages.
bool IsCode(std::string_view code) {
  return !code.empty() && code.size() <= kMostCodeBytes &&
         std::all_of(code.begin(), code.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// Returns the tag of a language code. eSpeak NG has codes that are not well-formed, as "en-us-nyc":
// their longest beginning that is stands for them.
std::string TagOf(std::string_view code) {
  for (std::string_view tag = code; !tag.empty();) {
    if (std::optional<std::string> canonical = CanonicalLanguageTag(tag)) return *canonical;
    const size_t dash = tag.rfind('-');
    if (dash == std::string_view::npos) break;
    tag = tag.substr(0, dash);
  }
  return std::string(code);
}

std::optional<Voice> ReadVoice(const std::string& path, const std::string& file) {
  const absl::StatusOr<std::string> text = ReadFile(path, kMostFileBytes);
  if (!text.ok()) return std::nullopt;
  // "en-gb  2" has a priority after the code.
  std::string_view code = Attribute(*text, "language");
  code = code.substr(0, code.find_first_of(" \t"));
  Voice voice;
  voice.name = LowerCase(code);
  if (!IsCode(voice.name)) return std::nullopt;
  voice.language = TagOf(voice.name);
  const std::string_view name = Attribute(*text, "name");
  voice.description = EscapeControls(
      CutText(name.empty() ? std::string_view(voice.name) : name, kMostDescriptionBytes));
  voice.file = file;
  return voice;
}

std::string_view PrimarySubtag(std::string_view tag) { return tag.substr(0, tag.find('-')); }

}  // namespace

absl::StatusOr<std::vector<Voice>> ReadVoices(const std::string& data) {
  const fs::path root = fs::path(data) / "lang";
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error);
       !error && it != fs::recursive_directory_iterator() && files.size() < kMostFiles;
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) files.push_back(it->path().lexically_relative(root).string());
  }
  if (error) {
    return absl::NotFoundError(fmt::format("cannot read {}: {}", root.string(), error.message()));
  }
  std::sort(files.begin(), files.end());  // so that the same files get the same names
  std::vector<Voice> voices;
  std::set<std::string> names;
  for (const std::string& file : files) {
    if (voices.size() == kMostVoices) break;
    std::optional<Voice> voice = ReadVoice((root / file).string(), file);
    if (!voice) continue;
    if (names.contains(voice->name)) voice->name = LowerCase(fs::path(file).filename().string());
    if (!IsCode(voice->name) || !names.insert(voice->name).second) continue;
    voices.push_back(*std::move(voice));
  }
  std::sort(voices.begin(), voices.end(),
            [](const Voice& a, const Voice& b) { return a.name < b.name; });
  return voices;
}

std::string VoicesJson(absl::Span<const Voice> voices) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Voice& voice : voices) {
    list.push_back(
        {{"name", voice.name}, {"language", voice.language}, {"description", voice.description}});
  }
  return list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

absl::StatusOr<Voice> FindVoice(absl::Span<const Voice> voices, std::string_view name) {
  std::vector<std::string> names;
  for (const Voice& voice : voices) {
    if (voice.name == name) return voice;
    names.push_back(voice.name);
  }
  std::vector<std::string> near;
  const std::string lower = LowerCase(name);
  std::copy_if(names.begin(), names.end(), std::back_inserter(near), [&](const std::string& other) {
    return PrimarySubtag(other) == PrimarySubtag(lower);
  });
  if (near.empty() && lower.size() > 2) {
    if (std::string nearest = Nearest(lower, names); !nearest.empty()) {
      near.push_back(std::move(nearest));
    }
  }
  return absl::InvalidArgumentError(fmt::format(
      "there is no voice '{}'; {}: {}", EscapeControls(Shortened(name, kMostNameBytes)),
      near.empty() ? "there are" : "near it are", fmt::join(near.empty() ? names : near, ", ")));
}

}  // namespace souvenir::compute
