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

// Which model translates what, at one moment: the models whose parameter `task` is "translation",
// by their parameters `source_language` and `target_language`. Immutable.
class TranslationDirectory {
 public:
  struct Pair {
    std::string source;  // canonical BCP-47
    std::string target;
    std::string model;
  };

  explicit TranslationDirectory(const CatalogSnapshot& catalog);

  // Whom to ask for a translation, both languages in canonical form. Where nobody does "en-GB" to
  // "es-MX", one who does "en" to "es" is asked (the lookup of RFC 4647, section 3.4). `engine` is
  // what the name of the model begins with, up to its first "-"; empty: any.
  // NOT_FOUND lists what there is.
  absl::StatusOr<TargetPtr> Find(std::string_view source, std::string_view target,
                                 std::string_view engine) const;

  // Whether both are in canonical form and known here as they are, so that they need not be parsed.
  bool Knows(std::string_view source, std::string_view target) const;

  // By source, target and model.
  std::vector<Pair> Pairs() const;

 private:
  using Languages = std::pair<std::string, std::string>;
  // Compares without making strings.
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
  std::string ListFor(std::string_view source) const;

  std::map<Languages, std::vector<TargetPtr>, Less> targets_;  // of a pair, by the model's name
};

}  // namespace souvenir::gateway
