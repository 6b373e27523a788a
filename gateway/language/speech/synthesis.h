#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/language/provenance.h"
#include "gateway/language/speech/speech_caller.h"
#include "gateway/language/speech/speech_directory.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/language/speech/speech_tensors.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

enum class AudioContainer { kWav, kFlac, kOgg, kRaw };

struct SynthesisRequest {
  std::string_view text;      // UTF-8, in any of Unicode's normalization forms
  std::string_view language;  // BCP-47; may be "" if there is a voice
  std::string_view voice;     // "" means the first one for the language
  std::string_view engine;    // "" means any
  float rate = 1;             // factor of the voice's own
  float pitch = 0;            // semitones from the voice's own
  AudioContainer container = AudioContainer::kWav;
};

// Audio in a container: the header, "" if there is none, and then the parts. Holds views of the use
// case that made it.
struct AudioFile {
  std::string header;
  absl::InlinedVector<std::string_view, 2> parts;
  int64_t samples = 0;
  int64_t sample_rate = 0;

  absl::Duration duration() const { return DurationOfSamples(samples, sample_rate); }
};

// Turns one text into audio, without any protocol. The text is cut into sentences, which a model
// speaks one by one, so that a sentence is known again in another text. The audio comes as one
// file, or as a file for each sentence. Another model writes the files of containers that need an
// encoder.
//
//   Synthesis synthesis(&listener, &caller, Synthesis::Files::kOne);
//   synthesis.Plan(request, models);    // an error ends it
//   synthesis.Start(<shared pointer to the owner>, synthesis.size());
//   ... listener.OnSpoken() ...
//   synthesis.OverallStatus(), synthesis.file()
//
// Part of the handler of a request, which is the listener. Plan() and Start() are called once, in
// this order, by one thread.
class Synthesis {
 public:
  enum class Files { kOne, kForEachSentence };

  // Receives events on the thread that brings them, which may be the one in Start() or Continue().
  // Must not block.
  class Listener {
   public:
    // A sentence is ready, or has failed. Called once for each that was begun. With Files::kOne the
    // file is not ready yet.
    virtual void OnSentence(size_t sentence) {}
    // All sentences and, with Files::kOne, the file are ready, or have failed. Called once.
    virtual void OnSpoken() = 0;

   protected:
    ~Listener() = default;
  };

  // `caller` must outlive this, and have its options.
  Synthesis(Listener* listener, SpeechCaller* caller, Files files);
  ~Synthesis();

  // Finds the models and makes the questions. Errors: INVALID_ARGUMENT if the request is wrong;
  // NOT_FOUND if a model or the voice is missing; UNAVAILABLE if compute has never answered;
  // RESOURCE_EXHAUSTED if the lane is full.
  absl::Status Plan(const SynthesisRequest& request, const SpeechModels& models);

  size_t size() const { return sentences_.size(); }  // at least 1

  // Begins with the first `ahead` sentences, at least 1. `owner` keeps this object alive until
  // OnSpoken() has returned.
  void Start(const std::shared_ptr<void>& owner, size_t ahead);
  // Begins with one more sentence, unless all were begun. Not for use by two threads at once.
  void Continue();

  const Voice& voice() const { return *voice_; }

  // The calls that are answered, for statistics.
  ResolvedCalls calls() const;

  // A sentence that is ready. Holds views of the synthesis.
  struct Sentence {
    std::string_view text;
    absl::Status status;  // if it is an error, there is no file
    AudioFile file;       // with Files::kForEachSentence
    Provenance provenance;
  };
  // REQUIRES: OnSentence() was called for it.
  Sentence sentence(size_t i, absl::Time now) const;

  // Lets go of the audio of a sentence that was used. REQUIRES: OnSentence() was called for it;
  // sentence() is not called for it any more.
  void Release(size_t i);

  // The functions below REQUIRE that OnSpoken() was called, and Release() was not.

  // Returns the first error of a sentence or of the file, in the order of the text.
  absl::Status OverallStatus() const;
  // Returns the file of all sentences. REQUIRES: Files::kOne, and OverallStatus() is OK.
  AudioFile file() const;

 private:
  class Encoding;
  class SpokenSentence;

  bool NeedsEncoder() const { return encoder_ != nullptr; }
  // Counts the bytes of a sentence. RESOURCE_EXHAUSTED if the sentences do not fit into one file.
  absl::Status Gather(uint64_t bytes);
  void OnSentenceReady(size_t sentence);
  // Reads the spoken sentences and, if needed, has them encoded as one file.
  void Join();
  // Returns audio in a container that needs no encoder.
  AudioFile Contain(absl::InlinedVector<std::string_view, 2> pcm, int64_t sample_rate) const;
  void Begin(size_t sentence);

  Listener* const listener_;
  SpeechCaller* const caller_;
  const Files files_;
  std::weak_ptr<void> owner_;

  std::shared_ptr<const SpeechDirectory> directory_;  // owns the voice
  const Voice* voice_ = nullptr;
  TargetPtr speaker_;
  TargetPtr encoder_;  // null if the container needs none
  AudioContainer container_ = AudioContainer::kWav;
  uint64_t max_file_bytes_ = 0;

  std::string text_;  // in Normalization Form C
  std::string framed_voice_;
  std::string framed_container_;
  float rate_ = 1;
  float pitch_ = 0;

  std::vector<std::unique_ptr<SpokenSentence>> sentences_;
  size_t begun_ = 0;
  std::atomic<size_t> unready_{0};
  std::atomic<uint64_t> bytes_{0};  // of the sentences, with Files::kOne

  // With Files::kOne, once all sentences are ready.
  absl::Status joined_;
  std::unique_ptr<Encoding> encoding_;
};

}  // namespace souvenir::gateway
