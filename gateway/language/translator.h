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

// A text to translate. Holds views of the caller's strings.
struct TranslationRequest {
  std::string_view text;             // UTF-8, in any of Unicode's normalization forms
  std::string_view source_language;  // BCP-47
  absl::InlinedVector<std::string_view, 4> target_languages;
  std::string_view engine;  // "" means any
};

// A request, taken apart into one item for each target language.
struct TranslationPlan {
  struct Item {
    std::string target_language;  // canonical
    absl::Status status;          // if it is an error, no model can be asked for this target
    TargetPtr target;             // null if `status` is an error, and for an empty text
  };
  std::string source_language;                // canonical
  absl::InlinedVector<Item, 2> translations;  // in the order asked, without duplicates
  std::string framed_text;  // the text as a BYTES element, in Normalization Form C

  // Returns the question to the model of `item`. Its bytes belong to this plan.
  Question QuestionFor(const Item& item) const;
};

// Returns the text of a model's answer, as a view of the entry.
absl::StatusOr<std::string_view> TranslatedText(const cache::Entry& entry);

// Translates with the translation models of the catalog.
//
// Owned by the gateway. Thread-safe.
class Translator {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    size_t max_text_bytes = 65'536;  // limit of the text, as it came and in Normalization Form C
    size_t max_targets = 32;
  };

  // The catalog must outlive the translator, and report its changes with OnCatalog().
  Translator(const Options& options, const Catalog* catalog);

  void OnCatalog(const CatalogSnapshot& snapshot);

  // Fills in `plan`. The letters of the text are composed first, because engines look words up in
  // that form. Texts that look the same then become the same question. INVALID_ARGUMENT, with what
  // came and the limit, if the request as a whole is wrong; UNAVAILABLE if compute has never
  // answered. If no model translates a pair, the status of its item says so.
  absl::Status Plan(const TranslationRequest& request, TranslationPlan* plan) const;

  std::vector<TranslationDirectory::Pair> Pairs() const { return directory_.Get()->Pairs(); }

 private:
  absl::Status Check(const TranslationRequest& request) const;
  // Checks the text and writes it into `plan`.
  absl::Status Frame(std::string_view text, TranslationPlan* plan) const;

  const Options options_;
  const Catalog* const catalog_;
  Published<TranslationDirectory> directory_;
};

}  // namespace souvenir::gateway
