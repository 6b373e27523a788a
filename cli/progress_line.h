#pragma once

#include <string_view>

#include "cli/console.h"

namespace souvenir::cli {

// A line on a terminal that tells how far a command is, and that the next output replaces. Shows
// nothing if standard output is no terminal. Owned by its command; not thread-safe. The destructor
// removes the line.
class ProgressLine {
 public:
  // `console` outlives it.
  explicit ProgressLine(Console& console) : console_(console) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { Clear(); }

  // Shows `text` in place of what is shown. `text` is fit for a terminal (see Printable).
  void Show(std::string_view text);

  // Removes the line. Call it before other output.
  void Clear();

 private:
  Console& console_;
  bool shown_ = false;
};

}  // namespace souvenir::cli
