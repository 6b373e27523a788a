#include "cli/translation_view.h"

#include <fmt/format.h>

#include "cli/cache_kind.h"
#include "cli/printable.h"

namespace souvenir::cli {
namespace {

constexpr size_t kTimeWidth = 8;  // "99.9 ms", and "59.99 s"

std::string Details(const souvenir::v1::Translation& translation) {
  std::string route;
  for (const std::string& model : translation.route()) {
    route += (route.empty() ? "" : " > ") + Printable(model);
  }
  return ProvenanceDetails(translation.provenance(), route);
}

}  // namespace

std::string TranslationView::Show(const souvenir::v1::Translation& translation,
                                  absl::Duration arrival) {
  ++shown_;
  const bool failed = translation.status().code() != 0;
  std::string kind = "error";
  std::string text;
  if (failed) {
    counts_.AddFailed();
    text = StatusText(translation.status());
  } else if (!translation.has_provenance()) {
    kind = "-";  // the text is empty, and no model was asked
    text = translation.text();
  } else {
    counts_.Add(translation.provenance().kind());
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
  return fmt::format("{} {} in {}{}\n", shown_, shown_ == 1 ? "target" : "targets",
                     HumanDuration(elapsed), counts_.Text());
}

Outcome TranslationView::Result() const {
  if (counts_.failed() == 0) return {};
  return {ExitCode::kFailed, fmt::format("{} of {} targets failed", counts_.failed(), shown_)};
}

}  // namespace souvenir::cli
