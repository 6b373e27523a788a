#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/published.h"
#include "gateway/catalog/catalog.h"
#include "gateway/language/translation_directory.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// A text to translate. Views of the caller's.
struct TranslationRequest {
  std::string_view text;             // UTF-8, in any of Unicode's normalization forms
  std::string_view source_language;  // BCP-47
  absl::InlinedVector<std::string_view, 4> target_languages;
  std::string_view engine;  // "" is any
};

// A request taken apart: what to ask for which target.
struct TranslationPlan {
  struct Item {
    std::string target_language;  // canonical
    absl::Status status;          // an error: nothing can be asked for this target
    TargetPtr target;             // null where status is an error, and for an empty text
  };
  std::string source_language;                // canonical
  absl::InlinedVector<Item, 2> translations;  // in the order asked, each language once
  std::string framed_text;  // the text as a BYTES element, in Normalization Form C

  // The question to the model of `item`, whose bytes are this plan's.
  Question QuestionFor(const Item& item) const;
};

// What came back for one target; views of the entry, if there is one.
absl::StatusOr<std::string_view> TranslatedText(const cache::Entry& entry);

// Translates by asking the models of the catalog that do.
//
// Owned by the gateway. Thread-safe.
class Translator {
 public:
  struct Options {
    size_t max_text_bytes = 65'536;  // of the text that came, and of it in Normalization Form C
    size_t max_targets = 32;
  };

  // The catalog must outlive the translator, and tell it of changes by OnCatalog().
  Translator(const Options& options, const Catalog* catalog);

  void OnCatalog(const CatalogSnapshot& snapshot);

  // Fills in `plan`. Texts that look the same are asked for as one: the letters of a text are
  // composed first, which is what engines know words by. INVALID_ARGUMENT, with what came and the
  // limit, for what is wrong with the whole request; UNAVAILABLE while no model has ever been heard
  // of. A pair that nobody translates is the status of its item.
  absl::Status Plan(const TranslationRequest& request, TranslationPlan* plan) const;

  std::vector<TranslationDirectory::Pair> Pairs() const { return directory_.Get()->Pairs(); }

 private:
  absl::Status Check(const TranslationRequest& request) const;
  // Puts the text into `plan`.
  absl::Status Frame(std::string_view text, TranslationPlan* plan) const;

  const Options options_;
  const Catalog* const catalog_;
  Published<TranslationDirectory> directory_;
};

}  // namespace souvenir::gateway
