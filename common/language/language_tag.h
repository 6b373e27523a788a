#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace souvenir {

// Returns the canonical form of a BCP-47 language tag, as ICU has it: "en" for "eng", "pt-BR" for
// "PT-br". Returns nullopt if the tag is not well-formed. Thread-safe. Takes a few microseconds.
std::optional<std::string> CanonicalLanguageTag(std::string_view tag);

// Same as above, for a field of a request: INVALID_ARGUMENT names `field` and what came.
absl::StatusOr<std::string> CheckedLanguageTag(std::string_view tag, std::string_view field);

// Returns the tag without its last subtag, "es" for "es-MX", or "" if it has only one. With it, a
// language is looked up as in RFC 4647, section 3.4.
std::string_view WithoutLastSubtag(std::string_view tag);

// Returns the tag of a language with the region in which it is most likely spoken, as CLDR has it:
// "en-US" for "en", "pt-BR" for "pt". Returns "" if that is not known.
std::string WithLikelyRegion(std::string_view language);

}  // namespace souvenir
