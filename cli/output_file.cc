#include "cli/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/printable.h"
#include "common/unique_fd.h"

namespace souvenir::cli {
namespace {

using std::filesystem::file_type;

// Returns the type of what `path` leads to; not_found or none if nothing is there or can be seen.
file_type TypeOf(const std::string& path) {
  std::error_code error;
  return std::filesystem::status(path, error).type();
}

bool IsStream(file_type type) { return type == file_type::character || type == file_type::fifo; }

// Returns the name of a type that can neither be replaced nor written to, "a directory", or an
// empty text for any other type.
std::string_view NameOfRefused(file_type type) {
  switch (type) {
    case file_type::directory:
      return "a directory";
    case file_type::block:
      return "a disk";
    case file_type::socket:
      return "a socket";
    default:
      return "";
  }
}

bool IsTerminal(const std::string& device) {
  const UniqueFd opened(open(device.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return opened && isatty(opened.get()) == 1;
}

}  // namespace

OutputFile::OutputFile(Options options, Console& console)
    : options_(std::move(options)),
      type_(TypeOf(options_.path)),
      written_path_(IsStream(type_) ? options_.path : options_.path + ".part"),
      console_(console) {}

OutputFile::~OutputFile() {
  if (!incomplete_) return;
  out_.close();
  std::remove(written_path_.c_str());
}

Outcome OutputFile::Check() const {
  if (const std::string_view refused = NameOfRefused(type_); !refused.empty()) {
    return {ExitCode::kFailed,
            fmt::format("cannot write {}: it is {}; {} goes to a file, a pipe, or a device that is "
                        "no disk",
                        options_.path, refused, options_.content)};
  }
  if (type_ == file_type::character && IsTerminal(options_.path)) {
    return Outcome::Usage(
        fmt::format("{} is nothing for a terminal; name a file, or redirect", options_.content));
  }
  return {};
}

bool OutputFile::is_stream() const { return IsStream(type_); }

bool OutputFile::ReplacesContent() const {
  if (type_ != file_type::regular) return false;
  std::error_code error;
  return std::filesystem::file_size(options_.path, error) != 0;
}

Outcome OutputFile::Open() {
  if (is_stream()) {
    SayIfItWaits(options_.path, options_.work + " begins when something reads from it", console_);
    out_.open(options_.path, std::ios::binary);
  } else {
    out_.open(written_path_, std::ios::binary | std::ios::trunc);
    incomplete_ = out_.is_open();
  }
  return out_ ? Outcome() : WriteError();
}

Outcome OutputFile::End(Outcome written) {
  out_.close();
  if (!out_) return WriteError();
  if (!written.ok() || is_stream()) return written;
  if (std::rename(written_path_.c_str(), options_.path.c_str()) != 0) {
    return {ExitCode::kFailed, fmt::format("cannot write {}: {}", options_.path,
                                           std::generic_category().message(errno))};
  }
  incomplete_ = false;
  return written;
}

Outcome OutputFile::WriteError() const {
  return {ExitCode::kFailed, fmt::format("cannot write {}: {}", written_path_,
                                         std::generic_category().message(errno))};
}

void SayIfItWaits(const std::string& path, const std::string& for_what, Console& console) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::canonical(path, error);
  if (error || TypeOf(canonical) != file_type::fifo) return;
  console.err << fmt::format("{} is a pipe: {}.\n", Printable(path), for_what) << std::flush;
}

}  // namespace souvenir::cli
