#pragma once

#include <lttoolbox/input_file.h>
#include <unicode/ustdio.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace souvenir::compute {

// Files whose bytes are in memory, for the engine's libraries, which read and write only files.

// A text as an InputFile, read in place. The text must outlive it. Not thread-safe.
class MemoryInput {
 public:
  // REQUIRES: `text` is not empty.
  explicit MemoryInput(const std::string& text) {
    file_.wrap(fmemopen(const_cast<char*>(text.data()), text.size(), "rb"));
  }

  InputFile& file() { return file_; }

 private:
  InputFile file_;  // owns and closes the wrapped file
};

// A file that collects written bytes in memory, one text after another. Not thread-safe.
class MemoryOutput {
 public:
  MemoryOutput();
  ~MemoryOutput();
  MemoryOutput(const MemoryOutput&) = delete;
  MemoryOutput& operator=(const MemoryOutput&) = delete;

  UFILE* file() { return unicode_file_; }

  // Returns the bytes written since the last call. They are valid until the next write.
  std::string_view Take();

 private:
  char* bytes_ = nullptr;  // set by the stream file_, freed by the destructor
  size_t size_ = 0;
  FILE* file_;
  UFILE* unicode_file_;
};

}  // namespace souvenir::compute
