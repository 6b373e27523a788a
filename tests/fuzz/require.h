#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace souvenir {

// Aborts the process, which a fuzzer reports as a finding, if `holds` is false. `what` is the
// violated claim.
inline void Require(bool holds, const char* what,
                    const std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: does not hold: %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), what);
  std::abort();
}

}  // namespace souvenir
