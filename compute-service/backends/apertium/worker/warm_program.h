#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/unique_fd.h"
#include "compute-service/workers/message_channel.h"

namespace souvenir::compute {

// A program that reads texts, each with a NUL at its end, and writes an answer with a NUL at its
// end for each: Apertium's programs with the option -z. It is started when the first text comes,
// and again after it was lost, which is some milliseconds' work and no text's history.
//
// Owned by a stage; not thread-safe. The program ends with the process that started it, however
// that ends: its input ends, and the kernel kills it. It has that process's group, a nearly empty
// environment, default signals, and no descriptor but its texts, its answers, the standard error
// and its files.
class WarmProgram {
 public:
  struct Options {
    std::string path;
    std::vector<std::string> arguments;  // before the files
    std::vector<std::string> files;
    size_t max_answer_bytes = MessageChannel::kDefaultLimit;  // what a worker could pass on
  };

  // Opens the files, so that a program that is started later reads the same bytes even if a package
  // was upgraded in between. NOT_FOUND or PERMISSION_DENIED for one that cannot be read.
  static absl::StatusOr<std::unique_ptr<WarmProgram>> Create(Options options);

  ~WarmProgram() { Stop(); }
  WarmProgram(const WarmProgram&) = delete;
  WarmProgram& operator=(const WarmProgram&) = delete;

  // The answer, with its NUL. Waits for as long as the program takes. UNAVAILABLE, with how it
  // ended, when the program ended or had to be given up because what it wrote is no single answer.
  // REQUIRES: `text` ends with its only NUL.
  absl::StatusOr<std::string> Exchange(std::string_view text);

  // Ends the program, if it runs. How it ended, for a message.
  std::string Stop();

  pid_t pid() const { return pid_; }  // 0 where it does not run

 private:
  explicit WarmProgram(Options options) : options_(std::move(options)) {}

  absl::Status Start();

  // What becomes of the child that Start() forked. REQUIRES: nothing but async-signal-safe calls.
  [[noreturn]] void Execute(pid_t parent, int socket, char* const* arguments) const;

  // Gives the program up.
  absl::Status Lost(std::string_view what);

  const Options options_;
  std::vector<UniqueFd> files_;
  pid_t pid_ = 0;
  UniqueFd socket_;  // the program's standard input and output
};

}  // namespace souvenir::compute
