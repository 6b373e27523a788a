#include "cli/text_input.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "cli/printable.h"
#include "cli/standard_input.h"

namespace souvenir::cli {
namespace {

// No gateway takes a text as large as this, because its messages have fewer bytes.
constexpr size_t kMostTextBytes = 64u << 20;

}  // namespace

std::variant<std::string, Outcome> ReadText(const std::vector<std::string>& words,
                                            Console& console) {
  const bool from_input = words.empty() || (words.size() == 1 && words[0] == "-");
  if (!from_input) return fmt::format("{}", fmt::join(words, " "));
  if (console.in_is_terminal) {
    console.err << "Reading the text from the terminal; Ctrl-D at the start of a line ends it.\n"
                << std::flush;
  }
  absl::StatusOr<std::string> read = ReadAll(console.in, kMostTextBytes);
  if (!read.ok()) return Outcome{ExitCode::kFailed, std::string(read.status().message())};
  std::string text = *std::move(read);
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (const auto offset = FindInvalidUtf8(text)) {
    return Outcome::Usage(fmt::format("the text is not UTF-8: byte {} is 0x{:02x}", *offset,
                                      static_cast<uint8_t>(text[*offset])));
  }
  return text;
}

}  // namespace souvenir::cli
