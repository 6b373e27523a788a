#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace souvenir::compute {

// The languages in the name of a mode, as canonical BCP-47 tags: "eng-spa" gives {"en", "es"},
// "spa-eng_US" {"es", "en-US"}. Nothing for a name that is not two languages joined by "-", each
// two or three lower-case letters with parts after "_".
std::optional<std::pair<std::string, std::string>> LanguagesOfMode(std::string_view mode);

// The tag for one language as Apertium writes it. A part after "_" is a region ("US"), else a
// registered variant where one is known by that name ("oc_aran" is "oc-aranes"), else a private
// subtag ("fra_foo" is "fr-x-foo"). Nothing for what is no language.
std::optional<std::string> LanguageTag(std::string_view language);

}  // namespace souvenir::compute
