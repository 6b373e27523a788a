#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common/grpc/open_streams.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "gateway/language/speech/speech_caller.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/language/speech/stream_transcription.h"
#include "gateway/language/speech/transcription.h"
#include "gateway/language/translator.h"
#include "gateway/rpc/event_stream.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::gateway {

// One TranslateSpeech: a recording, then for each segment its text, for each language a
// translation, and for each translation a recording. Each step begins as soon as the one before it
// has ended, so that steps of different segments run side by side. A file is cut when it has come
// as a whole, and raw samples while they come.
class TranslateSpeechCall final : public EventExchange::Source,
                                  public OpenStream,
                                  public std::enable_shared_from_this<TranslateSpeechCall>,
                                  private Transcription::Listener,
                                  private StreamTranscription::Listener {
 public:
  // The models for the steps.
  struct Models {
    const SpeechModels* speech;
    const Translator* translator;
  };

  // What raw samples need. A file must come within the idle timeout, too.
  struct Streaming {
    StreamTranscription::Options options;
    StreamTranscription::Parts parts;
  };

  // Runs the call. Returns the reactor for gRPC, which then owns it.
  static EventExchange* Start(const CallParts& parts, const Models& models,
                              const Streaming& streaming, RpcMethodMetrics* metrics,
                              grpc::CallbackServerContext* context);

  ~TranslateSpeechCall() override;

  // Ends the call if the file has not come, and raw samples here. A stop waits for the rest of a
  // call.
  void Stop() override;

 private:
  class SegmentStory;

  TranslateSpeechCall(EventExchange* stream, const Models& models, const Streaming& streaming);

  absl::Status OnMessage(const grpc::ByteBuffer& message) override;
  void OnLastMessage() override;
  void Abandon(const absl::Status& reason) override;
  const ResolveOptions& options() const override { return caller_.options(); }
  ResolvedCalls resolved() const override;

  // The recording must come within `timeout`.
  void BeginUpload(absl::Duration timeout);
  // Ends the call with `reason` if the recording has not come, and returns true then.
  bool GiveUpUpload(const absl::Status& reason);
  // Notes that the recording has come, or was refused.
  void EndUpload();

  // Takes the configuration, or a piece of the recording.
  absl::Status Take(const grpc::ByteBuffer& message);
  // Checks that the languages can be served at all.
  absl::Status TryLanguages();
  // Begins to write down raw samples of the form `format`, unless the call has ended.
  void BeginLive(const std::string& format);
  absl::Status Begin();

  // Of a file.
  void OnSegment(size_t segment) override;
  void OnTranscribed() override;

  // Of raw samples.
  void OnReady() override;
  void OnSegment(const TranscriptSegment& segment) override;
  void OnInterim(const TranscriptSegment&) override { live_.OnTaken(); }
  void OnEnd(const absl::Status& status) override;

  // Tells a segment, and begins with its translations.
  void Tell(size_t segment, const TranscriptSegment& heard);

  void Write(absl::StatusCode code, const v1::TranslateSpeechEvent& event);
  // Notes that a step of a segment, or the transcription, has ended.
  void EndStep();

  EventExchange* const stream_;  // lives until it is told to end
  const Models models_;
  const absl::Status stream_refusal_;  // the status of a stop
  bool has_config_ = false;
  v1::TranslateSpeechConfig config_;
  size_t received_ = 0;  // bytes of the recording
  std::string audio_;    // of a file

  SpeechCaller caller_;
  Transcription transcription_{this, &caller_};
  // For raw samples.
  std::atomic<bool> is_live_{false};  // set under upload_mutex_
  StreamTranscriptionRequest live_request_;
  bool is_live_configured_ = false;
  size_t live_segments_ = 0;
  absl::Status live_status_;  // set by OnEnd()
  StreamTranscription live_;

  std::atomic<size_t> steps_{1};  // that have not ended; the transcription is one

  // Held while the stream is stopped, which exists at least as long as this is true.
  Mutex upload_mutex_;
  bool is_uploading_ ABSL_GUARDED_BY(upload_mutex_) = false;
  TimerQueue::Id upload_timer_ ABSL_GUARDED_BY(upload_mutex_) = 0;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<SegmentStory>> stories_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
