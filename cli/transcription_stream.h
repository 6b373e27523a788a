#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/sample_source.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::cli {

// Sends a recording of any length piece by piece with SpeechService.StreamTranscribe, as fast as
// the gateway takes it, and collects its segments. One call.
struct TranscriptionStream {
  souvenir::v1::SpeechService::Stub* stub = nullptr;         // outlives the call
  const souvenir::v1::TranscribeRequest* request = nullptr;  // names language and engine
  SampleSource* source = nullptr;
  bool wants_interim = false;

  // Called on the thread of Run(), one after the other.
  std::function<void(const souvenir::v1::TranscriptSegment&)> on_segment;
  std::function<void(const souvenir::v1::TranscriptSegment&)> on_interim;
  // Called on another thread with the length of what was sent so far.
  std::function<void(absl::Duration sent)> on_sent;

  // Runs the call, and fills in `transcript`. Sets `source_status` if the recording cannot be read
  // or is damaged; the call is then cancelled.
  grpc::Status Run(grpc::ClientContext* context, souvenir::v1::TranscribeResponse* transcript,
                   absl::Status* source_status);
};

}  // namespace souvenir::cli
