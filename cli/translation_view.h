#pragma once

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "cli/provenance_view.h"
#include "souvenir/v1/translation.pb.h"

namespace souvenir::cli {

// Shows translations to a person: a line for each as it comes, and a summary. Not thread-safe.
class TranslationView {
 public:
  struct Options {
    size_t target_width = 2;  // of the longest language code asked for
    bool verbose = false;
  };

  explicit TranslationView(Options options) : options_(options) {}

  // Returns "es  memory     420 µs  Hola", with the time since the call began. Further lines of a
  // text are indented below its first. An error takes the place of the text, in one line.
  std::string Show(const souvenir::v1::Translation& translation, absl::Duration arrival);

  // Returns "2 targets in 9.8 ms: 1 memory, 1 miss".
  std::string Summary(absl::Duration elapsed) const;

  // kFailed, with their number, if targets had an error.
  Outcome Result() const;

 private:
  const Options options_;
  size_t shown_ = 0;
  KindCounts counts_;
};

}  // namespace souvenir::cli
