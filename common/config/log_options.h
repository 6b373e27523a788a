#pragma once

#include "common/logging/logging.h"
#include "souvenir/config/v1/common.pb.h"

namespace souvenir {

// Returns the log options of a service's configuration.
inline LogOptions LogOptionsOf(const config::v1::Logging& logging) {
  return {.level = logging.level(),
          .levels = {logging.levels().begin(), logging.levels().end()},
          .format = logging.format()};
}

}  // namespace souvenir
