#include "cli/translation_view.h"

#include <fmt/format.h>

#include "absl/status/status.h"
#include "cli/cache_kind.h"
#include "cli/printable.h"
#include "cli/time_conversion.h"

namespace souvenir::cli {
namespace {

constexpr size_t kKindWidth = 9;  // "coalesced"
constexpr size_t kTimeWidth = 8;  // "99.9 ms", and "59.99 s"

std::string PadRight(std::string text, size_t width) {
  const size_t has = DisplayWidth(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

std::string PadLeft(const std::string& text, size_t width) {
  const size_t has = DisplayWidth(text);
  return has < width ? std::string(width - has, ' ') + text : text;
}

std::string Details(const souvenir::v1::Translation& translation) {
  const souvenir::v1::Provenance& provenance = translation.provenance();
  std::string route;
  for (const std::string& model : translation.route()) {
    route += (route.empty() ? "" : " > ") + Printable(model);
  }
  if (route.empty()) route = Printable(provenance.model());
  return fmt::format(
      "model {} version {}, computed {} ago in {}\nkey {}", route,
      provenance.model_version().empty() ? "?" : Printable(provenance.model_version()),
      HumanDuration(FromProto(provenance.age())),
      HumanDuration(FromProto(provenance.compute_time())),
      provenance.key().empty() ? "-" : Printable(provenance.key()));
}

}  // namespace

std::string TranslationView::Show(const souvenir::v1::Translation& translation,
                                  absl::Duration arrival) {
  ++shown_;
  const bool failed = translation.status().code() != 0;
  std::string kind = "error";
  std::string text;
  if (failed) {
    ++failed_;
    const auto code = static_cast<absl::StatusCode>(translation.status().code());
    text = fmt::format("{}: {}", absl::StatusCodeToString(code),
                       Printable(translation.status().message()));
  } else if (!translation.has_provenance()) {
    kind = "-";  // the text is empty, and no model was asked
    text = translation.text();
  } else {
    ++kinds_[translation.provenance().kind()];
    kind = CacheKindName(translation.provenance().kind());
    text = translation.text();
  }
  const std::string prefix = fmt::format(
      "{}  {}  {}  ", PadRight(Printable(translation.target_language()), options_.target_width),
      PadRight(kind, kKindWidth), PadLeft(HumanDuration(arrival), kTimeWidth));
  const size_t indent = DisplayWidth(prefix);
  std::string out = prefix + PrintableLines(text, indent);
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
  if (options_.verbose && translation.has_provenance()) {
    out += std::string(indent, ' ') + PrintableLines(Details(translation), indent) + "\n";
  }
  return out;
}

std::string TranslationView::Summary(absl::Duration elapsed) const {
  std::string counts;
  for (const auto& [kind, count] : kinds_) {
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, CacheKindName(kind));
  }
  if (failed_ > 0) counts += fmt::format("{}{} failed", counts.empty() ? "" : ", ", failed_);
  return fmt::format("{} {} in {}{}{}\n", shown_, shown_ == 1 ? "target" : "targets",
                     HumanDuration(elapsed), counts.empty() ? "" : ": ", counts);
}

Outcome TranslationView::Result() const {
  if (failed_ == 0) return {};
  return {ExitCode::kFailed, fmt::format("{} of {} targets failed", failed_, shown_)};
}

}  // namespace souvenir::cli
