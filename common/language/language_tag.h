#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace souvenir {

// The canonical form of a BCP-47 language tag, by ICU: "eng" gives "en", "PT-br" "pt-BR". Nothing
// for what is no well-formed tag. Thread-safe; a few microseconds.
std::optional<std::string> CanonicalLanguageTag(std::string_view tag);

}  // namespace souvenir
