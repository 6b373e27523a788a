#include "compute-service/backends/apertium/language_tag.h"

#include <algorithm>
#include <vector>

#include "common/language/language_tag.h"

namespace souvenir::compute {
namespace {

bool AllOf(std::string_view text, bool (*test)(char)) {
  return std::all_of(text.begin(), text.end(), test);
}
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsLower(c) || IsUpper(c) || IsDigit(c); }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (IsUpper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Apertium's names of varieties, and the variant subtags that are registered for them.
constexpr std::pair<std::string_view, std::string_view> kVariants[] = {
    {"aran", "aranes"},  // Aranese Occitan; the subtag "Aran" is a script
    {"valencia", "valencia"},
};

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string> LanguageTag(std::string_view language) {
  const std::vector<std::string_view> parts = Split(language, '_');
  if (parts[0].size() < 2 || parts[0].size() > 3 || !AllOf(parts[0], IsLower)) return std::nullopt;
  std::string region;
  std::string variants;
  std::string extra;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = parts[i];
    if (part.empty() || part.size() > 8 || !AllOf(part, IsAlphanumeric)) return std::nullopt;
    const auto* variant = std::find_if(std::begin(kVariants), std::end(kVariants),
                                       [&](const auto& known) { return known.first == part; });
    if (variant != std::end(kVariants)) {
      variants.append("-").append(variant->second);
    } else if (region.empty() && ((part.size() == 2 && AllOf(part, IsUpper)) ||
                                  (part.size() == 3 && AllOf(part, IsDigit)))) {
      region.append("-").append(part);
    } else {
      extra.append(extra.empty() ? "-x-" : "-").append(Lower(part));
    }
  }
  const std::string tag = std::string(parts[0]) + region + variants + extra;
  return CanonicalLanguageTag(tag);
}

std::optional<std::pair<std::string, std::string>> LanguagesOfMode(std::string_view mode) {
  const std::vector<std::string_view> parts = Split(mode, '-');
  if (parts.size() != 2) return std::nullopt;
  std::optional<std::string> source = LanguageTag(parts[0]);
  std::optional<std::string> target = LanguageTag(parts[1]);
  if (!source || !target) return std::nullopt;
  return std::make_pair(*std::move(source), *std::move(target));
}

}  // namespace souvenir::compute
