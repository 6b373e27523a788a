#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/file_stamp.h"
#include "common/unique_fd.h"
#include "compute-service/workers/message_channel.h"

namespace souvenir::compute {

// A program that reads texts and writes an answer to each, all with a NUL at the end: one of
// Apertium's programs with the option -z. It starts with the first text, and again after it was
// lost. A start takes some milliseconds, and answers do not depend on earlier texts.
//
// The program ends with the process that started it, however that ends: the kernel kills it. It has
// the process group of that process, a nearly empty environment, default signals, and no
// descriptors but its input, its output, the standard error and its files.
//
// Owned by a stage; not thread-safe.
class WarmProgram {
 public:
  struct Options {
    std::string path;
    std::vector<std::string> arguments;  // arguments before the files
    std::vector<std::string> files;
    // Longest answer. The default is the most that a worker can pass on.
    size_t max_answer_bytes = MessageChannel::kDefaultLimit;
  };

  // Opens the files, so that a program that starts later reads the same bytes even if a package was
  // upgraded in between. A program that is replaced by then, or a file that is overwritten in
  // place, fails the texts instead: its answers would be those of another model. NOT_FOUND or
  // PERMISSION_DENIED if a file cannot be opened.
  static absl::StatusOr<std::unique_ptr<WarmProgram>> Create(Options options);

  ~WarmProgram() { Stop(); }
  WarmProgram(const WarmProgram&) = delete;
  WarmProgram& operator=(const WarmProgram&) = delete;

  // Sends a text and returns the answer with its NUL. Starts the program if it does not run. Blocks
  // for as long as the program takes. UNAVAILABLE, with the exit status, if the program ended or
  // was killed because it wrote anything but a single answer, or because it started from files that
  // have changed. REQUIRES: `text` ends with its only NUL.
  absl::StatusOr<std::string> Exchange(std::string_view text);

  // Kills the program if it runs. Returns a description of its end for messages.
  std::string Stop();

  pid_t pid() const { return pid_; }  // 0 if the program does not run

 private:
  explicit WarmProgram(Options options) : options_(std::move(options)) {}

  absl::Status Start();

  // Runs the program in the forked child. Makes only async-signal-safe calls.
  [[noreturn]] void Execute(pid_t parent, int socket, char* const* arguments) const;

  // Returns the stamps of the program and of the open files.
  std::vector<std::optional<FileStamp>> Stamps() const;

  // Stops the program and returns UNAVAILABLE with the reason `what` and the exit status.
  absl::Status Lost(std::string_view what);

  const Options options_;
  std::vector<UniqueFd> files_;
  std::vector<std::optional<FileStamp>> stamps_;  // at the time of Create()
  pid_t pid_ = 0;
  UniqueFd socket_;  // the program's standard input and output
};

}  // namespace souvenir::compute
