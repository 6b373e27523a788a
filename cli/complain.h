#pragma once

#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// Prints the message and the hints of an outcome that is not OK to console.err, each as one line
// that begins with "souvenir: " or is a hint. Words of a server are escaped too.
void Complain(const Outcome& outcome, Console& console);

}  // namespace souvenir::cli
