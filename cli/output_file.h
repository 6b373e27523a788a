#pragma once

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// A file that a command writes as a whole or not at all: it has another name until it is complete,
// and then replaces what was there. A pipe or a character device is written to. Owned by its
// command; not thread-safe. The destructor removes what is incomplete.
//
//   OutputFile file({.path = "out.wav", .content = "audio"}, console);
//   if (Outcome checked = file.Check(); !checked.ok()) return checked;
//   if (Outcome opened = file.Open(); !opened.ok()) return opened;
//   return file.End(WriteAllTo(file.stream()));
class OutputFile {
 public:
  struct Options {
    std::string path;
    std::string content;  // for messages: "a snapshot", "audio"
    std::string work;     // for messages: "the export", which waits for the reader of a pipe
  };

  // `console` outlives it.
  OutputFile(Options options, Console& console);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  // Refuses a terminal (kUsage), and a directory, a disk or a socket (kFailed). A disk is not
  // written to, because all on it would be lost. Other errors show in Open().
  Outcome Check() const;

  // Returns true for a pipe or a character device.
  bool is_stream() const;

  // Returns true if a file with something in it would be replaced.
  bool ReplacesContent() const;

  // REQUIRES: Check() was OK. Waits for the reader of a pipe that has a name, and tells so.
  Outcome Open();

  // REQUIRES: Open() was OK.
  std::ostream& stream() { return out_; }

  // Ends the file with the outcome of writing it. Returns why it could not be written, or else
  // `written`. If either is an error, what was there stays. REQUIRES: Open() was OK.
  Outcome End(Outcome written);

 private:
  Outcome WriteError() const;

  const Options options_;
  const std::filesystem::file_type type_;
  const std::string written_path_;
  Console& console_;
  std::ofstream out_;
  bool incomplete_ = false;  // a file of ours is at written_path_
};

// Tells that a command waits for the other end of a pipe that has a name, `for_what`. To open such
// a pipe may take for ever. A pipe without a name, as /dev/stdout or >(...) in a shell, has its
// other end.
void SayIfItWaits(const std::string& path, const std::string& for_what, Console& console);

}  // namespace souvenir::cli
