#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace souvenir {

// Returns how many letters must be added to `a`, left out, replaced or exchanged with their
// neighbour to make it `b`, but at most `limit` + 1. ASCII letters of both cases are the same.
// Takes time proportional to the product of the lengths. Words longer than 256 letters have the
// distance `limit` + 1.
size_t EditDistance(std::string_view a, std::string_view b, size_t limit);

// Returns the candidate that `word` was most likely meant to be: the one with the smallest
// distance, at most a third of the letters of `word` (at least one), or else the only one that
// begins with `word`, which must then have at least three letters. Returns an empty string if there
// is none.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace souvenir
