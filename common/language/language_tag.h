#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace souvenir {

// Returns the canonical form of a BCP-47 language tag, as ICU has it: "en" for "eng", "pt-BR" for
// "PT-br". Returns nullopt if the tag is not well-formed. Thread-safe. Takes a few microseconds.
std::optional<std::string> CanonicalLanguageTag(std::string_view tag);

}  // namespace souvenir
