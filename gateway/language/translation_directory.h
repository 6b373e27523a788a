#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/target.h"

namespace souvenir::gateway {

// The translation models at one moment, by language pair: the models whose parameter `task` is
// "translation", by their parameters `source_language` and `target_language`. Immutable.
class TranslationDirectory {
 public:
  struct Pair {
    std::string source;  // canonical BCP-47
    std::string target;
    std::string model;
  };

  explicit TranslationDirectory(const CatalogSnapshot& catalog);

  // Returns the model to ask for a translation; both languages are in canonical form. If no model
  // translates "en-GB" to "es-MX", a model for "en" to "es" is used (the lookup of RFC 4647,
  // section 3.4). `engine` is the part of the model's name before its first "-"; empty means any.
  // NOT_FOUND lists the available pairs.
  absl::StatusOr<TargetPtr> Find(std::string_view source, std::string_view target,
                                 std::string_view engine) const;

  // Returns true if a model has exactly this pair. The tags are then canonical and need no parsing.
  bool Knows(std::string_view source, std::string_view target) const;

  // Returns the pairs that can be offered, sorted by source, target and model.
  std::vector<Pair> Pairs() const;

 private:
  using Languages = std::pair<std::string, std::string>;
  // Compares views with strings, so that a lookup makes no strings.
  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return std::pair<std::string_view, std::string_view>(a.first, a.second) <
             std::pair<std::string_view, std::string_view>(b.first, b.second);
    }
  };

  TargetPtr FindExactly(std::string_view source, std::string_view target,
                        std::string_view engine) const;
  // Returns what there is instead of a pair, for a message.
  std::string ListFor(std::string_view source, std::string_view target) const;

  std::map<Languages, std::vector<TargetPtr>, Less> targets_;  // sorted by the model's name
};

}  // namespace souvenir::gateway
