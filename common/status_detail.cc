#include "common/status_detail.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"

namespace souvenir {
namespace {

constexpr char kType[] = "souvenir/detail";

// Returns true if a path may begin after `c`.
bool Opens(char c) {
  return !absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
         static_cast<unsigned char>(c) < 0x80 &&
         std::string_view("/.-_~)]}%@+").find(c) == std::string_view::npos;
}

// Returns the end of the path at `begin`: before a space, a quote or punctuation. If a quote is
// before the path, only the same quote ends it, so that it may have spaces.
size_t EndOfPath(std::string_view text, size_t begin) {
  const char before = begin > 0 ? text[begin - 1] : ' ';
  if (before == '\'' || before == '"' || before == '`') {
    const size_t end = text.find(before, begin);
    if (end != std::string_view::npos) return end;
  }
  size_t end = begin;
  while (end < text.size() && !absl::ascii_isspace(static_cast<unsigned char>(text[end])) &&
         std::string_view("'\"`,;:()[]{}<>|").find(text[end]) == std::string_view::npos) {
    ++end;
  }
  // Full stops at the end belong to the sentence.
  while (end > begin && text[end - 1] == '.') --end;
  return end;
}

// Returns the last part of a path that is not empty.
std::string_view LastPart(std::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

absl::Status WithDetail(absl::Status status, std::string_view detail) {
  status.SetPayload(kType, absl::Cord(absl::string_view(detail.data(), detail.size())));
  return status;
}

std::string DetailOf(const absl::Status& status) {
  const absl::optional<absl::Cord> detail = status.GetPayload(kType);
  return detail.has_value() ? std::string(*detail) : "";
}

std::string Explanation(const absl::Status& status) {
  std::string detail = DetailOf(status);
  return detail.empty() ? std::string(status.message()) : detail;
}

std::string WithoutPaths(std::string_view message) {
  std::string out;
  size_t at = 0;
  while (at < message.size()) {
    const bool starts = message[at] == '/' && (at == 0 || Opens(message[at - 1]));
    const size_t end = starts ? EndOfPath(message, at) : at;
    const std::string_view last = LastPart(message.substr(at, end - at));
    if (!starts || last.empty() || message.substr(at, 2) == "//") {
      out += message[at++];
      continue;
    }
    out += last;
    at = end;
  }
  return out;
}

absl::Status WithoutPaths(const absl::Status& status, Detail detail) {
  if (status.ok()) return status;
  const std::string_view message(status.message().data(), status.message().size());
  std::string cut = WithoutPaths(message);
  if (cut == message) return status;
  std::string kept = DetailOf(status);
  if (kept.empty() && detail == Detail::kKeep) kept = message;
  absl::Status told(status.code(), cut);
  return kept.empty() ? told : WithDetail(std::move(told), kept);
}

}  // namespace souvenir
