// The stage of apertium-tagger: a hidden Markov model or a perceptron that chooses among the
// analyses of a word.

#include <apertium/file_morpho_stream.h>
#include <apertium/hmm.h>
#include <apertium/perceptron_tagger.h>
#include <fmt/format.h>
#include <lttoolbox/exception.h>
#include <stdio_ext.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "compute-service/backends/apertium/worker/allocator.h"
#include "compute-service/backends/apertium/worker/stage.h"

namespace souvenir::compute {
namespace {

// A file whose bytes can be replaced, for a reader that opens its input only once.
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

  // Replaces the bytes of the file and rewinds it. `bytes` must live until they have been read.
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
  FILE* file_;  // the reader closes it
};

// Makes `file` the standard input during its lifetime. The taggers' readers accept only the name of
// a file, and read the standard input if there is none; glibc allows assignment to `stdin`.
class StandardInputIs {
 public:
  explicit StandardInputIs(FILE* file) : before_(stdin) { stdin = file; }
  ~StandardInputIs() { stdin = before_; }
  StandardInputIs(const StandardInputIs&) = delete;
  StandardInputIs& operator=(const StandardInputIs&) = delete;

 private:
  FILE* const before_;
};

class HmmStage final : public Stage {
 public:
  explicit HmmStage(const std::string& path) {
    FILE* file = fopen(path.c_str(), "rbe");
    // The base class is named because the subclass hides deserialise() with overloads that the
    // library does not define.
    static_cast<Apertium::FILE_Tagger&>(tagger_).deserialise(file);
    (void)fclose(file);
    open_class_ = tagger_.get_tagger_data().getOpenClass();
    const StandardInputIs standard_input(input_.file());
    words_ = std::make_unique<FileMorphoStream>(nullptr, false, &tagger_.get_tagger_data());
  }

  absl::Status Run(const std::string& text, UFILE* output) override {
    // The tagger removes members of the open class when it meets unknown words. Without this, the
    // next text would be tagged with the rest.
    tagger_.get_tagger_data().setOpenClass(open_class_);
    tagger_.setNullFlush(true);
    input_.Exchange(text);
    words_->rewind();
    tagger_.tagger(*words_, output);
    return absl::OkStatus();
  }

 private:
  ExchangeableFile input_;
  HMM tagger_;
  std::set<TTag> open_class_;  // the open class as loaded
  std::unique_ptr<FileMorphoStream> words_;
};

// Returns the flags as the program sets them. The library's constructor leaves two uninitialised.
Apertium::TaggerFlags FlagsOfThePerceptron() {
  Apertium::TaggerFlags flags;
  flags.setSentSeg(false);
  flags.setSkipErrors(false);
  return flags;
}

// A perceptron has no state but its weights, which tagging does not change.
class PerceptronStage final : public Stage {
 public:
  explicit PerceptronStage(const std::string& path) : tagger_(FlagsOfThePerceptron()) {
    std::ifstream file(path, std::ios::binary);
    tagger_.deserialise(file);
    // The library does not initialise its registers and destroys each one by the type that its
    // memory holds (perceptron_spec.h, StackValue). Zeroed memory means a number. Memory with bytes
    // of an earlier text may mean a pointer, which would be freed.
    new_hands_out_zeros = true;
  }

  absl::Status Run(const std::string& text, UFILE* output) override {
    std::ostringstream tagged;
    {
      FILE* file = fmemopen(const_cast<char*>(text.data()), text.size(), "rb");
      Apertium::Stream words = [&] {
        const StandardInputIs standard_input(file);
        return Apertium::Stream(flags_);
      }();  // the stream closes the file
      tagger_.tag(words, tagged);
    }
    // The tagger drops a NUL that follows a word and keeps one that follows a blank.
    std::string answer = std::move(tagged).str();
    answer.push_back('\0');
    (void)fwrite(answer.data(), 1, answer.size(), u_fgetfile(output));
    return absl::OkStatus();
  }

 private:
  Apertium::PerceptronTagger tagger_;
  Apertium::TaggerFlags flags_ = FlagsOfThePerceptron();  // flags of the input stream
};

absl::StatusOr<std::unique_ptr<Stage>> CreatePerceptronStage(const std::string& path) {
  try {
    return std::make_unique<PerceptronStage>(path);
  } catch (const DeserialisationException&) {
    return absl::InternalError(fmt::format("{} is not a perceptron", path));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> CreateTaggerStage(const PlannedStage& plan) {
  absl::StatusOr<std::unique_ptr<Stage>> perceptron = CreatePerceptronStage(plan.files[0]);
  // Without -x the program accepts both kinds of model, and tells them apart in the same way.
  if (perceptron.ok() || plan.kind == StageKind::kPerceptronTagger) return perceptron;
  return std::make_unique<HmmStage>(plan.files[0]);
}

}  // namespace souvenir::compute
