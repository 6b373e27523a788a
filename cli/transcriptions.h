#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/request_options.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::cli {

// Asks a gateway for the transcripts of recordings, a few at once, and returns them in order. The
// next recordings are read while the first is waited for. If no server is reached, no more are
// asked for. Owned by its command, whose thread alone calls it; the destructor waits for the calls
// under way.
//
//   Transcriptions transcriptions({.files = {"a.wav", "b.wav"}, ...});
//   while (!transcriptions.done()) {
//     if (auto transcript = transcriptions.Next()) Print(*transcript);
//     else ShowProgress(transcriptions.progress());
//   }
class Transcriptions {
 public:
  struct Options {
    std::vector<std::string> files;           // "-": standard input
    std::string standard_input;               // its bytes, if `files` has "-"
    souvenir::v1::TranscribeRequest request;  // all but `audio`
    RequestOptions metadata;
    Connection::Options server;
    const Clock* clock = nullptr;  // outlives this
  };

  struct Transcript {
    size_t file = 0;  // index into Options::files
    Outcome outcome;
    souvenir::v1::TranscribeResponse response;  // if the outcome is OK
    absl::Duration elapsed;                     // of the call
    std::string notice;  // lines about options that the gateway ignored; may be empty
  };

  struct Progress {
    size_t ended = 0;              // recordings that are answered or failed
    std::optional<size_t> oldest;  // the first one of those under way
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

  Progress progress() const;

 private:
  enum class State { kWaits, kUnderWay, kEnded };
  struct Slot {
    State state = State::kWaits;
    Transcript transcript;
  };

  // Asks for one recording after the other. Runs on each thread.
  void AskAll();
  std::optional<size_t> Begin();
  void End(Transcript transcript);
  Transcript Ask(size_t file, Connection* connection) const;

  const Options options_;
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
