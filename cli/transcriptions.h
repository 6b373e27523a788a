#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/request_options.h"
#include "cli/sample_source.h"
#include "common/audio/pcm_format.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::cli {

// Asks a gateway for the transcripts of recordings, a few at once, and returns them in order. The
// next recordings are read while the first is waited for. A short recording goes in one message. A
// long one is decoded here and sent piece by piece, and its segments are known before the rest. If
// no server is reached, no more are asked for. Owned by its command, whose thread alone calls it;
// the destructor waits for the calls under way.
//
//   Transcriptions transcriptions({.files = {"a.wav", "b.wav"}, ...});
//   while (!transcriptions.done()) {
//     if (auto transcript = transcriptions.Next()) Print(*transcript);
//     else Print(transcriptions.TakeNews()), ShowProgress(transcriptions.progress());
//   }
class Transcriptions {
 public:
  struct Options {
    std::vector<std::string> files;           // "-": standard input
    std::string standard_input;               // its bytes, if `files` has "-", or else
    std::unique_ptr<SampleSource> samples;    // its samples, which come one by one
    souvenir::v1::TranscribeRequest request;  // all but `audio`
    std::optional<PcmFormat> format;          // of raw samples, as in `request`
    bool stream = false;                      // send all recordings piece by piece
    bool wants_interim = false;               // of those that are sent so
    RequestOptions metadata;
    Connection::Options server;
    const Clock* clock = nullptr;  // outlives this
  };

  struct Transcript {
    size_t file = 0;  // index into Options::files
    Outcome outcome;
    souvenir::v1::TranscribeResponse response;  // if the outcome is OK
    absl::Duration elapsed;                     // of the call
    std::string notice;     // lines about options that the gateway ignored; may be empty
    bool streamed = false;  // it was sent piece by piece
  };

  // The results that have come of a recording that is sent piece by piece.
  struct News {
    size_t file = 0;
    std::vector<souvenir::v1::TranscriptSegment> segments;   // since the last call
    std::optional<souvenir::v1::TranscriptSegment> interim;  // after them
  };

  struct Progress {
    size_t ended = 0;              // recordings that are answered or failed
    std::optional<size_t> oldest;  // the first one of those under way
    absl::Duration sent;           // of that; zero if it is not sent piece by piece
    absl::Duration length;         // of that; zero if it is not known
  };

  explicit Transcriptions(Options options);
  Transcriptions(const Transcriptions&) = delete;
  Transcriptions& operator=(const Transcriptions&) = delete;
  ~Transcriptions();

  // Returns true if Next() has returned the last transcript, or one without a reachable server.
  bool done() const { return returned_ == options_.files.size(); }

  // Waits until the next transcript is there, or the progress has changed. Returns the transcript
  // in the first case. REQUIRES: !done().
  std::optional<Transcript> Next();

  // Takes what has come of the recording whose transcript is next. REQUIRES: !done().
  News TakeNews();

  Progress progress() const;

 private:
  enum class State { kWaits, kUnderWay, kEnded };
  struct Slot {
    State state = State::kWaits;
    Transcript transcript;
    News news;
    absl::Duration sent;
    absl::Duration length;
  };

  // A recording that was opened: the bytes of a short one, or the samples of another.
  struct Opened {
    std::string bytes;
    std::unique_ptr<SampleSource> samples;
  };

  // Asks for one recording after the other. Runs on each thread.
  void AskAll();
  std::optional<size_t> Begin();
  void End(Transcript transcript);
  Transcript Ask(size_t file, Connection* connection);
  absl::StatusOr<Opened> Open(const std::string& name);
  absl::StatusOr<std::unique_ptr<SampleSource>> OpenLong(const std::string& name);
  // Makes the samples of bytes that are in memory.
  absl::StatusOr<std::unique_ptr<SampleSource>> Decode(const std::string& name,
                                                       std::string bytes) const;
  void AskAtOnce(std::string bytes, Connection* connection, Transcript* transcript) const;
  void AskByPieces(SampleSource* samples, Connection* connection, Transcript* transcript);

  // Changes the slot of a recording and wakes Next().
  void Tell(size_t file, const std::function<void(Slot*)>& change);

  Options options_;      // `standard_input` and `samples` are used by the thread that asks for them
  size_t returned_ = 0;  // used by the owner's thread alone

  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mutex_);  // one for each file
  size_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  bool has_changed_ ABSL_GUARDED_BY(mutex_) = false;  // since Next() returned
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;      // no more recordings begin

  std::vector<std::thread> threads_;  // last: they use the members above
};

}  // namespace souvenir::cli
