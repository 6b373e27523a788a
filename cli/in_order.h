#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "souvenir/v1/translation.pb.h"

namespace souvenir::cli {

// Puts translations, which arrive as they are ready, into the order in which their targets were
// asked for. Not thread-safe.
class InOrder {
 public:
  struct Arrival {
    souvenir::v1::Translation translation;
    absl::Duration time;  // since the call began
  };

  // `targets` in any spelling; one that comes twice is answered once.
  explicit InOrder(const std::vector<std::string>& targets);

  // What can be shown now that `arrival` is there: nothing, or it and those that waited for it.
  std::vector<Arrival> Add(Arrival arrival);

  // Those that still wait, in order, for when no more come.
  std::vector<Arrival> Rest();

 private:
  std::vector<std::string> targets_;  // canonical, each once
  size_t next_ = 0;                   // of them
  std::map<std::string, Arrival> waiting_;
};

}  // namespace souvenir::cli
