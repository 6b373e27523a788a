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
#include "gateway/language/speech/transcription.h"
#include "gateway/language/translator.h"
#include "gateway/rpc/event_stream.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::gateway {

// One TranslateSpeech: a recording, then for each segment its text, for each language a
// translation, and for each translation a recording. Each step begins as soon as the one before it
// has ended, so that steps of different segments run side by side.
class TranslateSpeechCall final : public EventExchange::Source,
                                  public OpenStream,
                                  public std::enable_shared_from_this<TranslateSpeechCall>,
                                  private Transcription::Listener {
 public:
  // The models for the steps.
  struct Models {
    const SpeechModels* speech;
    const Translator* translator;
  };

  // Runs the call, whose recording must come within `upload_timeout`. Returns the reactor for gRPC,
  // which then owns it.
  static EventExchange* Start(const CallParts& parts, const Models& models,
                              absl::Duration upload_timeout, RpcMethodMetrics* metrics,
                              grpc::CallbackServerContext* context);

  ~TranslateSpeechCall() override;

  // Ends the call if the recording has not come. A stop waits for the rest of a call.
  void Stop() override;

 private:
  class SegmentStory;

  TranslateSpeechCall(EventExchange* stream, const Models& models);

  absl::Status OnMessage(const grpc::ByteBuffer& message) override;
  void OnLastMessage() override;
  void Abandon(const absl::Status& reason) override { caller_.Cancel(reason); }
  const ResolveOptions& options() const override { return caller_.options(); }
  ResolvedCalls resolved() const override;

  // The recording must come within `timeout`.
  void BeginUpload(absl::Duration timeout);
  // Ends the call with `reason` if the recording has not come.
  void GiveUpUpload(const absl::Status& reason);
  // Notes that the recording has come, or was refused.
  void EndUpload();

  // Takes the configuration, or a piece of the recording.
  absl::Status Take(const grpc::ByteBuffer& message);
  absl::Status Begin();

  void OnSegment(size_t segment) override;
  void OnTranscribed() override;

  void Write(absl::StatusCode code, const v1::TranslateSpeechEvent& event);
  // Notes that a step of a segment, or the transcription, has ended.
  void EndStep();

  EventExchange* const stream_;  // lives until it is told to end
  const Models models_;
  const absl::Status stream_refusal_;  // the status of a stop
  bool has_config_ = false;
  v1::TranslateSpeechConfig config_;
  std::string audio_;

  SpeechCaller caller_;
  Transcription transcription_{this, &caller_};
  std::atomic<size_t> steps_{1};  // that have not ended; the transcription is one

  // Held while the stream is stopped, which exists at least as long as this is true.
  Mutex upload_mutex_;
  bool is_uploading_ ABSL_GUARDED_BY(upload_mutex_) = false;
  TimerQueue::Id upload_timer_ ABSL_GUARDED_BY(upload_mutex_) = 0;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<SegmentStory>> stories_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
