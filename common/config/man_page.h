#pragma once

#include <string>

#include "common/config/command_description.h"

namespace souvenir {

// Returns the manual page (section 1) of `program` in man(7) macros. `version`, "souvenir 0.1.0",
// is its footer.
std::string ManPage(const CommandDescription& program, const std::string& version);

}  // namespace souvenir
