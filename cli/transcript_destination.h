#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/output_file.h"
#include "cli/transcript_form.h"

namespace souvenir::cli {

// The place of transcripts: standard output, a file for all of them, or a file for each in a
// directory. Files are written as a whole or not at all. Owned by its command; not thread-safe.
class TranscriptDestination {
 public:
  struct Options {
    std::string output;              // a file, or a directory that is there; empty or "-":
                                     // standard output
    std::vector<std::string> files;  // the recordings
    TranscriptForm form = TranscriptForm::kText;
    bool yes = false;  // replace files without a question
  };

  // `console` outlives it.
  TranscriptDestination(Options options, Console& console);

  // Checks the places before anything is asked. kUsage if subtitles of several recordings would go
  // to one place, if two recordings would have the same file, or if a recording would be replaced.
  // Asks before a file with something in it is replaced (see confirm.h).
  Outcome Open();

  bool is_standard_output() const { return kind_ == Kind::kStandardOutput; }
  bool has_file_for_each() const { return kind_ == Kind::kDirectory; }

  // Returns the path of the file for the recording `file`.
  const std::string& PathFor(const std::string& file) const;

  // Writes the document of the recording `file`. REQUIRES: Open() was OK.
  Outcome Write(const std::string& file, const std::string& document);

  // Ends the file for all, if there is one, which stays as it was unless `outcome` is OK. Returns
  // `outcome`, or why the file could not be written. Call it last. REQUIRES: Open() was OK.
  Outcome End(Outcome outcome);

 private:
  enum class Kind { kStandardOutput, kFile, kDirectory };

  Outcome CheckPaths();
  Outcome ConfirmReplacing() const;
  std::unique_ptr<OutputFile> NewFile(const std::string& path) const;

  const Options options_;
  const Kind kind_;
  Console& console_;
  std::map<std::string, std::string> paths_;  // by recording
  std::unique_ptr<OutputFile> file_;          // for all
};

}  // namespace souvenir::cli
