#include "gateway/language/translation_directory.h"

#include <fmt/format.h>

#include "common/language/language_tag.h"
#include "common/name_list.h"
#include "gateway/language/model_choice.h"

namespace souvenir::gateway {

TranslationDirectory::TranslationDirectory(const CatalogSnapshot& catalog) {
  ForEachModelOf(catalog, "translation", [&](const TargetPtr& target) {
    const CatalogModel& model = target->model();
    targets_[{model.parameter("source_language"), model.parameter("target_language")}].push_back(
        target);
  });
}

TargetPtr TranslationDirectory::FindExactly(std::string_view source, std::string_view target,
                                            std::string_view engine) const {
  const auto found = targets_.find(std::pair(source, target));
  if (found == targets_.end()) return nullptr;
  const TargetPtr* const chosen =
      ChooseModel(found->second, engine,
                  [](const TargetPtr& candidate) -> const TargetPtr& { return candidate; });
  return chosen == nullptr ? nullptr : *chosen;
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
      engine.empty() ? "" : fmt::format(" with the engine '{}'", engine), ListFor(source, target)));
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

std::string TranslationDirectory::ListFor(std::string_view source, std::string_view target) const {
  if (targets_.empty()) return "there is no translation model at all";
  NameList from_source(target);
  std::vector<std::string> pairs;
  for (const auto& [languages, targets] : targets_) {
    if (languages.first == source) from_source.Add(languages.second);
    pairs.push_back(fmt::format("{} to {}", languages.first, languages.second));
  }
  if (!from_source.empty()) {
    return fmt::format("from '{}' there is {}", source, from_source.Text());
  }
  const std::string asked = fmt::format("{} to {}", source, target);
  NameList all(asked);
  for (const std::string& pair : pairs) all.Add(pair);
  return fmt::format("there is {}", all.Text());
}

}  // namespace souvenir::gateway
