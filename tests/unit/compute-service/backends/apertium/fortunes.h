#pragma once

#include <string>
#include <vector>

namespace souvenir::compute {

// Returns distinct lines of English prose and verse from the package `fortunes`, in a pseudo-random
// order that is always the same.
std::vector<std::string> FortuneLines();

}  // namespace souvenir::compute
