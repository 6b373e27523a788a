#include "gateway/language/translation_directory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace souvenir::gateway {
namespace {

// Returns "es" for "es-MX", and "" for "es".
std::string_view WithoutLastSubtag(std::string_view tag) {
  const size_t dash = tag.rfind('-');
  return dash == std::string_view::npos ? std::string_view() : tag.substr(0, dash);
}

}  // namespace

TranslationDirectory::TranslationDirectory(const CatalogSnapshot& catalog) {
  // The models of a pair are sorted by name, so that the choice is always the same. A model's state
  // does not matter: earlier answers of a model that is loading or away can still be served, and
  // compute refuses the rest with the reason. An unloaded model is chosen only if there is no
  // other.
  for (const CatalogModelPtr& model : catalog.models()) {
    if (model->parameter("task") != "translation") continue;
    // Takes only the version that is used if a request names none.
    const auto chosen = catalog.Find(model->name(), "");
    if (!chosen.ok() || *chosen != model) continue;
    std::vector<TargetPtr>& targets =
        targets_[{model->parameter("source_language"), model->parameter("target_language")}];
    targets.push_back(std::make_shared<const Target>(
        Target::Spec{.model = model, .by_rows = model->row_exact && model->max_batch > 0}));
  }
}

TargetPtr TranslationDirectory::FindExactly(std::string_view source, std::string_view target,
                                            std::string_view engine) const {
  const auto found = targets_.find(std::pair(source, target));
  if (found == targets_.end()) return nullptr;
  TargetPtr unloaded;
  for (const TargetPtr& candidate : found->second) {
    const std::string_view name = candidate->model().name();
    if (!engine.empty() && name.substr(0, name.find('-')) != engine) continue;
    if (!candidate->model().unloaded) return candidate;
    if (unloaded == nullptr) unloaded = candidate;
  }
  return unloaded;
}

absl::StatusOr<TargetPtr> TranslationDirectory::Find(std::string_view source,
                                                     std::string_view target,
                                                     std::string_view engine) const {
  for (std::string_view from = source; !from.empty(); from = WithoutLastSubtag(from)) {
    for (std::string_view to = target; !to.empty(); to = WithoutLastSubtag(to)) {
      if (TargetPtr found = FindExactly(from, to, engine)) return found;
    }
  }
  return absl::NotFoundError(fmt::format(
      "nothing translates '{}' to '{}'{}; {}", source, target,
      engine.empty() ? "" : fmt::format(" with the engine '{}'", engine), ListFor(source)));
}

bool TranslationDirectory::Knows(std::string_view source, std::string_view target) const {
  return targets_.find(std::pair(source, target)) != targets_.end();
}

std::vector<TranslationDirectory::Pair> TranslationDirectory::Pairs() const {
  std::vector<Pair> pairs;
  for (const auto& [languages, targets] : targets_) {
    for (const TargetPtr& target : targets) {
      // A broken model is not offered, although its earlier answers can be served.
      if (target->model().known.state() == "UNAVAILABLE") continue;
      pairs.push_back({languages.first, languages.second, target->model().name()});
    }
  }
  return pairs;
}

std::string TranslationDirectory::ListFor(std::string_view source) const {
  std::vector<std::string> from_source;
  std::vector<std::string> all;
  for (const auto& [languages, targets] : targets_) {
    if (languages.first == source) from_source.push_back(languages.second);
    all.push_back(fmt::format("{} to {}", languages.first, languages.second));
  }
  if (all.empty()) return "there is no translation model at all";
  if (from_source.empty()) return fmt::format("there is {}", fmt::join(all, ", "));
  return fmt::format("from '{}' there is {}", source, fmt::join(from_source, ", "));
}

}  // namespace souvenir::gateway
