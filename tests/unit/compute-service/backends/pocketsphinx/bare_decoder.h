#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace souvenir::compute {

// Returns what a fresh decoder of the library says, without anything of ours: its hypothesis, with
// the English model.
std::string BareHypothesis(const std::vector<int16_t>& samples);

}  // namespace souvenir::compute
