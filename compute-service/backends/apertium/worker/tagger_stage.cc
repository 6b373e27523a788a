// The stage that apertium-tagger runs: a hidden Markov model that chooses among the analyses of a
// word.

#include <apertium/file_morpho_stream.h>
#include <apertium/hmm.h>
#include <stdio_ext.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "compute-service/backends/apertium/worker/stage.h"

namespace souvenir::compute {
namespace {

// A file whose bytes can be exchanged, for a reader that opens its input once and for ever.
class ExchangeableFile {
 public:
  ExchangeableFile() {
    cookie_io_functions_t functions{};
    functions.read = &ExchangeableFile::Read;
    functions.seek = &ExchangeableFile::Rewind;
    file_ = fopencookie(this, "r", functions);
  }
  ExchangeableFile(const ExchangeableFile&) = delete;
  ExchangeableFile& operator=(const ExchangeableFile&) = delete;

  FILE* file() { return file_; }

  // From here on the file has these bytes, which must outlive the reading of them.
  void Exchange(std::string_view bytes) {
    bytes_ = bytes;
    position_ = 0;
    __fpurge(file_);
    clearerr(file_);
  }

 private:
  static ssize_t Read(void* cookie, char* buffer, size_t size) {
    auto* self = static_cast<ExchangeableFile*>(cookie);
    const size_t taken = std::min(size, self->bytes_.size() - self->position_);
    std::memcpy(buffer, self->bytes_.data() + self->position_, taken);
    self->position_ += taken;
    return static_cast<ssize_t>(taken);
  }

  static int Rewind(void* cookie, off64_t* offset, int whence) {
    if (whence != SEEK_SET || *offset != 0) {
      errno = ESPIPE;
      return -1;
    }
    static_cast<ExchangeableFile*>(cookie)->position_ = 0;
    return 0;
  }

  std::string_view bytes_;
  size_t position_ = 0;
  FILE* file_;  // closed by its reader
};

// FileMorphoStream takes the name of a file, or none, and then reads the standard input: glibc lets
// a program say what that is.
class StandardInputIs {
 public:
  explicit StandardInputIs(FILE* file) : before_(stdin) { stdin = file; }
  ~StandardInputIs() { stdin = before_; }
  StandardInputIs(const StandardInputIs&) = delete;
  StandardInputIs& operator=(const StandardInputIs&) = delete;

 private:
  FILE* const before_;
};

class TaggerStage final : public Stage {
 public:
  explicit TaggerStage(const std::string& path) {
    FILE* file = fopen(path.c_str(), "rbe");
    // Named by its class, because the subclass hides it with overloads that the library lacks.
    static_cast<Apertium::FILE_Tagger&>(tagger_).deserialise(file);
    (void)fclose(file);
    open_class_ = tagger_.get_tagger_data().getOpenClass();
    const StandardInputIs standard_input(input_.file());
    words_ = std::make_unique<FileMorphoStream>(nullptr, false, &tagger_.get_tagger_data());
  }

  void Run(const std::string& text, UFILE* output) override {
    // The tagger forgets members of the open class as it meets unknown words, and would tag the
    // next text by what is left.
    tagger_.get_tagger_data().setOpenClass(open_class_);
    tagger_.setNullFlush(true);
    input_.Exchange(text);
    words_->rewind();
    tagger_.tagger(*words_, output);
  }

 private:
  ExchangeableFile input_;
  HMM tagger_;
  std::set<TTag> open_class_;  // as loaded
  std::unique_ptr<FileMorphoStream> words_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> CreateTaggerStage(const PlannedStage& plan) {
  return std::make_unique<TaggerStage>(plan.files[0]);
}

}  // namespace souvenir::compute
