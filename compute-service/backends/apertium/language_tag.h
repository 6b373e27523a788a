#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace souvenir::compute {

// Returns the source and the target language in the name of a mode, as canonical BCP-47 tags:
// {"en", "es"} for "eng-spa", {"es", "en-US"} for "spa-eng_US". Returns nullopt if the name is not
// two languages joined by "-" (see LanguageTag()).
std::optional<std::pair<std::string, std::string>> LanguagesOfMode(std::string_view mode);

// Returns the canonical BCP-47 tag of a language as Apertium writes it: two or three lower-case
// letters, then parts that each follow "_". A part is a region ("US"), a variant that Apertium has
// its own name for ("oc_aran" is "oc-aranes"), or otherwise a private subtag ("fra_foo" is
// "fr-x-foo"). Returns nullopt if `language` does not have that form.
std::optional<std::string> LanguageTag(std::string_view language);

}  // namespace souvenir::compute
