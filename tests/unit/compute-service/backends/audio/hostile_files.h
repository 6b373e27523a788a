#pragma once

#include <string>
#include <vector>

namespace souvenir::compute {

// A request that a careless or hostile client may send.
struct HostileFile {
  std::string name;
  std::string audio;
  std::string format;    // of raw audio; empty for a file
  std::string expected;  // a part of the refusal; empty if there must be an answer
  bool any = false;      // an answer or a refusal, as the damage falls
};

// Returns the corpus, the same in every run. Takes about a second.
std::vector<HostileFile> HostileFiles();

}  // namespace souvenir::compute
