#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/audio/pcm_cutter.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "gateway/language/speech/segment_recognizer.h"
#include "gateway/language/speech/speech_caller.h"
#include "gateway/language/speech/speech_models.h"

namespace souvenir::gateway {

struct StreamTranscriptionRequest {
  // The form of the samples, as models for segmentation take it: "s16le;rate=44100;channels=2".
  std::string format;
  std::string_view language;  // BCP-47; "" to have it detected
  std::string_view engine;    // "" means any
  // The time from one interim result to the next, at least. Absent: there are none.
  std::optional<absl::Duration> interim_interval;
};

// Turns a recording into a text while it comes, without any protocol, in memory that does not
// depend on its length. It is cut here, with the settings of the model for segmentation, so the
// segments are those that Transcription has for the recording as a whole, and have the same entries
// in the cache. They are recognised side by side, and told in order. More audio is asked for while
// few of them are unanswered or not taken.
//
// An interim result is the text so far of the segment that is still open. It is asked for without
// the cache, one at a time, and only while nothing else has to be recognised.
//
//   StreamTranscription transcription(options, parts, &listener, &caller);
//   transcription.Start(<shared pointer to the owner>);
//   ... listener.OnReady() ... transcription.Configure(request);
//   ... listener.OnReady() ... transcription.Add(bytes), again and again
//   transcription.Finish(absl::OkStatus());
//   ... listener.OnEnd() ...
//
// Part of the handler of a request, which is the listener. Start() comes first. Then the functions
// may be called on any thread, also by the listener.
class StreamTranscription {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    // Segments of one recording that are unanswered, or were told and are not taken; at least 1.
    size_t max_segments = 16;
    // No interim result is asked for while so many rows of the lane wait to be computed; at
    // least 1.
    uint64_t max_interim_rows = 2;
    absl::Duration idle_timeout = absl::Minutes(1);  // in which the caller sends nothing
  };

  // All of them outlive this.
  struct Parts {
    const SpeechModels* models;
    Executor* executor;  // decodes, resamples and cuts, a small piece at a time
    TimerQueue* timers;
    const Clock* clock;
  };

  // Receives events one after another, on the thread that brings them, which may be the one in any
  // function of the transcription. Must not block.
  class Listener {
   public:
    // The configuration, or more audio, may come. Called once for each Configure() and Add().
    virtual void OnReady() = 0;
    // A segment was recognised, or has failed. Called in the order of the recording. OnTaken() must
    // follow for each event of this and of OnInterim(), then or later.
    virtual void OnSegment(const TranscriptSegment& segment) = 0;
    // A segment that is still open, as far as it is understood now. A later OnInterim() or
    // OnSegment() with the same start takes its place.
    virtual void OnInterim(const TranscriptSegment& segment) = 0;
    // Nothing more comes. Called once.
    virtual void OnEnd(const absl::Status& status) = 0;

   protected:
    ~Listener() = default;
  };

  // `caller` must outlive this.
  StreamTranscription(const Options& options, const Parts& parts, Listener* listener,
                      SpeechCaller* caller);
  ~StreamTranscription();

  // Begins with OnReady(). `owner` keeps this object alive until OnEnd() has returned. REQUIRES:
  // the caller has its options and has entered its lane.
  void Start(const std::shared_ptr<void>& owner);

  // Finds the models. The first that must follow OnReady(). The recording ends with an error as if
  // by Finish() if the request is wrong (INVALID_ARGUMENT), a model is missing (NOT_FOUND), or
  // compute has never answered (UNAVAILABLE).
  void Configure(const StreamTranscriptionRequest& request);

  // Takes the next bytes, of any number. Follows OnReady(). Errors, as above: INVALID_ARGUMENT if a
  // sample is not a finite number; RESOURCE_EXHAUSTED if the lane or the executor is full.
  void Add(std::string bytes);

  // Ends the recording. What has come is recognised and told, and then OnEnd() is called with
  // `status`, or INVALID_ARGUMENT if that is OK and the bytes end inside a frame. Only the first
  // call counts.
  void Finish(const absl::Status& status);

  // Ends everything at once, because the caller has gone: OnEnd() is called with `reason`.
  void Cancel(const absl::Status& reason);

  // An event of the listener was taken by whom it is for. Does nothing after OnEnd().
  void OnTaken();

  // The functions below REQUIRE that OnEnd() was called.

  const std::string& language() const { return recognizer_.language(); }
  absl::Duration duration() const;  // of the recording, as far as it was cut
  uint64_t segments() const;        // that were told

 private:
  struct Hearing;
  struct Step;

  // Whether there is more of the recording.
  enum class Input {
    kOpen,  // more may come
    kLast,  // all has come, and is not all cut
    kCut,   // nothing is left to be cut
  };

  // Makes room for what the listener was asked for. Returns false if the recording has ended
  // meanwhile.
  bool TakeTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Drops what has come and is not cut, and ends the recording with `status`.
  void Fail(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Tells the lane how many bytes are held.
  absl::Status CountBytes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status Plan(const StreamTranscriptionRequest& request);

  // Does all that can be done now, on one thread at a time.
  void Pump();
  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(Step* step);
  void AskForMore();
  void SubmitCut();

  // Cuts the next piece, on the executor.
  void Cut();
  void BeginInterim();
  bool WantsInterim() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<Hearing> NewHearing(int64_t start, absl::Span<const int16_t> samples);
  void OnHeard(Hearing* hearing);

  const Options options_;
  const Parts parts_;
  Listener* const listener_;
  SpeechCaller* const caller_;
  std::weak_ptr<void> owner_;

  // Set by Configure(), and then used by Cut(), which runs once at a time.
  SegmentRecognizer recognizer_;
  std::unique_ptr<PcmCutter> cutter_;
  std::optional<absl::Duration> interim_interval_;
  absl::Duration last_interim_ = -absl::InfiniteDuration();  // when it was asked for
  int64_t last_interim_end_ = 0;                             // in samples

  mutable Mutex mutex_;
  Input input_ ABSL_GUARDED_BY(mutex_) = Input::kOpen;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);   // the status to end with
  absl::Status gone_ ABSL_GUARDED_BY(mutex_);  // why the caller has gone; OK if it has not
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_configured_ ABSL_GUARDED_BY(mutex_) = false;

  bool pumping_ ABSL_GUARDED_BY(mutex_) = false;  // a thread is in Pump()
  bool cutting_ ABSL_GUARDED_BY(mutex_) = false;  // Cut() is queued or runs
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;    // OnReady() was called, and nothing came yet
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;     // of OnReady()
  TimerQueue::Id idle_timer_ ABSL_GUARDED_BY(mutex_) = 0;

  std::string audio_ ABSL_GUARDED_BY(mutex_);           // came, and is not all cut
  size_t audio_cut_ ABSL_GUARDED_BY(mutex_) = 0;        // of `audio_`
  uint64_t kept_bytes_ ABSL_GUARDED_BY(mutex_) = 0;     // by the cutter
  uint64_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of the segments in `pending_`
  uint64_t held_ ABSL_GUARDED_BY(mutex_) = 0;           // bytes, as the lane knows them
  int64_t samples_ ABSL_GUARDED_BY(mutex_) = 0;         // of the recording

  std::deque<std::shared_ptr<Hearing>> pending_ ABSL_GUARDED_BY(mutex_);  // segments to be told
  std::shared_ptr<Hearing> interim_ ABSL_GUARDED_BY(mutex_);              // null if there is none
  size_t untaken_ ABSL_GUARDED_BY(mutex_) = 0;  // events that were told and not taken
  uint64_t told_ ABSL_GUARDED_BY(mutex_) = 0;   // segments
};

}  // namespace souvenir::gateway
