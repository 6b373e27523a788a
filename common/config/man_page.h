#pragma once

#include <string>

#include "common/config/command_description.h"

namespace souvenir {

// The manual page (section 1) of `program`, as man(7) macros. `version` stands in its foot:
// "souvenir 0.1.0".
std::string ManPage(const CommandDescription& program, const std::string& version);

}  // namespace souvenir
