#include "cli/progress_line.h"

namespace souvenir::cli {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";

}  // namespace

void ProgressLine::Show(std::string_view text) {
  if (!console_.out_is_terminal) return;
  console_.err << kEraseLine << text << std::flush;
  shown_ = true;
}

void ProgressLine::Clear() {
  if (shown_) console_.err << kEraseLine << std::flush;
  shown_ = false;
}

}  // namespace souvenir::cli
