#pragma once

#include <lttoolbox/input_file.h>
#include <unicode/ustdio.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace souvenir::compute {

// The engine's libraries read and write files only; these are files whose bytes are in memory.

// A text as an InputFile. Reads it in place: the text must outlive it.
class MemoryInput {
 public:
  // REQUIRES: text is not empty.
  explicit MemoryInput(const std::string& text) {
    file_.wrap(fmemopen(const_cast<char*>(text.data()), text.size(), "rb"));
  }

  InputFile& file() { return file_; }

 private:
  InputFile file_;  // closes what it wraps
};

// Collects what is written, one text after another.
class MemoryOutput {
 public:
  MemoryOutput();
  ~MemoryOutput();
  MemoryOutput(const MemoryOutput&) = delete;
  MemoryOutput& operator=(const MemoryOutput&) = delete;

  UFILE* file() { return unicode_file_; }

  // What was written since the last call; valid until the next write.
  std::string_view Take();

 private:
  char* bytes_ = nullptr;  // the stream's
  size_t size_ = 0;
  FILE* file_;
  UFILE* unicode_file_;
};

}  // namespace souvenir::compute
