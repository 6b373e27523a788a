#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "souvenir/v1/translation.pb.h"

namespace souvenir::cli {

// Sorts translations, which arrive as they are ready, into the order of their targets. Not
// thread-safe.
class InOrder {
 public:
  struct Arrival {
    souvenir::v1::Translation translation;
    absl::Duration time;  // since the start of the call
  };

  // The targets may have any spelling. A target that comes twice is answered once.
  explicit InOrder(const std::vector<std::string>& targets);

  // Adds `arrival`. Returns the arrivals that can be shown now, in order; none if an earlier target
  // is missing.
  std::vector<Arrival> Add(Arrival arrival);

  // Returns the arrivals that were not returned yet, in order. Call it when no more will arrive.
  std::vector<Arrival> Rest();

 private:
  std::vector<std::string> targets_;  // canonical, each once
  size_t next_ = 0;                   // index into `targets_`
  std::map<std::string, Arrival> waiting_;
};

}  // namespace souvenir::cli
