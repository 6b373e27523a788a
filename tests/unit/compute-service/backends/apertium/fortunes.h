#pragma once

#include <string>
#include <vector>

namespace souvenir::compute {

// Lines of English prose and verse, from the package `fortunes`, each once, in an order that looks
// random and is always the same.
std::vector<std::string> FortuneLines();

}  // namespace souvenir::compute
