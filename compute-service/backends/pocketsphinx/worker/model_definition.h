#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace souvenir::compute {

// Checks that an acoustic model's file `mdef` is as long as its own numbers say. The engine does
// not, and reads beyond the end of one that was cut off: it crashes, or decodes with what it finds
// there. Only the binary form of little-endian machines ("BMDF") is checked; the engine itself
// reports errors of the others. INVALID_ARGUMENT if the file is too short or has impossible
// numbers.
absl::Status CheckModelDefinition(std::string_view bytes);

}  // namespace souvenir::compute
