#include "common/nearest.h"

#include <algorithm>
#include <cstdint>

namespace souvenir {
namespace {

// Longer words were not typed by hand.
constexpr size_t kMostLetters = 256;
constexpr size_t kLeastPrefix = 3;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool Same(char a, char b) { return Lower(a) == Lower(b); }

bool BeginsWith(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), text.begin(), Same);
}

}  // namespace

// Computes the optimal string alignment row by row; only the last two rows are needed.
size_t EditDistance(std::string_view a, std::string_view b, size_t limit) {
  const size_t lengths = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (lengths > limit || a.size() > kMostLetters || b.size() > kMostLetters) return limit + 1;
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {last[j] + 1, row[j - 1] + 1, last[j - 1] + (Same(a[i - 1], b[j - 1]) ? 0u : 1u)});
      if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return std::min(row[b.size()], limit + 1);
}

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const size_t limit = std::max<size_t>(1, word.size() / 3);
  const std::string* nearest = nullptr;
  size_t least = limit + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate, limit);
    // A distance as long as the words means that they have nothing in common.
    if (distance >= least || distance >= std::max(word.size(), candidate.size())) continue;
    least = distance;
    nearest = &candidate;
  }
  if (nearest != nullptr) return *nearest;
  if (word.size() < kLeastPrefix) return "";
  for (const std::string& candidate : candidates) {
    if (!BeginsWith(candidate, word)) continue;
    if (nearest != nullptr) return "";
    nearest = &candidate;
  }
  return nearest == nullptr ? "" : *nearest;
}

}  // namespace souvenir
