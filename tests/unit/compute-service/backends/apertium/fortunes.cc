#include "tests/unit/compute-service/backends/apertium/fortunes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

namespace souvenir::compute {

std::vector<std::string> FortuneLines() {
  std::set<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/share/games/fortunes")) {
    if (entry.path().has_extension()) continue;  // index files, and links to the same text
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line != "%" && line.find_first_not_of(" \t") != std::string::npos) lines.insert(line);
    }
  }
  std::vector<std::string> shuffled(lines.begin(), lines.end());
  std::mt19937 random(20260101);
  for (size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random() % i]);
  return shuffled;
}

}  // namespace souvenir::compute
