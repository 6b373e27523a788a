#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace souvenir {

// How many letters of `a` have to be added, left out, replaced or exchanged with their neighbour to
// make it `b`. ASCII letters of both cases are the same. Time and memory: the product of the
// lengths, and no more than `limit` + 1 is told.
size_t EditDistance(std::string_view a, std::string_view b, size_t limit);

// The candidate that `word` was most likely meant to be: the one with the smallest distance, at
// most a third of its letters, or the only one that begins with it. Empty where none is near.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace souvenir
