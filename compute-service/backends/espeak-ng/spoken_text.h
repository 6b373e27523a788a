#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace souvenir::compute {

// Returns `text` with its letters composed (Unicode's Normalization Form C), as the engine's rules
// expect them, and without characters that the engine would obey or use for itself. Each of these
// becomes a space: C0 and C1 controls but \n and \t (\x01 begins a command of the engine, as
// "\x01" "400S" for its rate), DEL, private use, and Unicode's noncharacters. The result is empty
// if nothing but white space is left. Tags and phonemes in brackets stay, and are read out.
// INVALID_ARGUMENT if the text is not UTF-8, with the place.
absl::StatusOr<std::string> SpokenText(std::string_view text);

}  // namespace souvenir::compute
