#include "cli/transcription_stream.h"

#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "cli/audio_names.h"
#include "common/thread.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::StreamTranscribeRequest;
using souvenir::v1::StreamTranscribeResponse;
using Stream = grpc::ClientReaderWriter<StreamTranscribeRequest, StreamTranscribeResponse>;

// Sends the samples until they end or the call does.
absl::Status Send(SampleSource* source, const std::function<void(absl::Duration)>& on_sent,
                  Stream* stream) {
  const double bytes_of_second =
      static_cast<double>(source->format().frame_bytes()) * source->format().rate;
  uint64_t sent = 0;
  StreamTranscribeRequest message;
  while (true) {
    absl::StatusOr<std::string> piece = source->Next();
    if (!piece.ok()) return piece.status();
    if (piece->empty()) {
      stream->WritesDone();
      return absl::OkStatus();
    }
    sent += piece->size();
    message.set_audio(*std::move(piece));
    if (!stream->Write(message)) return absl::OkStatus();  // the call has ended and knows why
    on_sent(absl::Seconds(static_cast<double>(sent) / bytes_of_second));
  }
}

}  // namespace

grpc::Status TranscriptionStream::Run(grpc::ClientContext* context,
                                      souvenir::v1::TranscribeResponse* transcript,
                                      absl::Status* source_status) {
  const std::unique_ptr<Stream> stream = stub->StreamTranscribe(context);
  StreamTranscribeRequest first;
  souvenir::v1::StreamTranscribeConfig& config = *first.mutable_config();
  config.set_encoding(AudioEncodingOf(PcmEncodingName(source->format().encoding)));
  config.set_sample_rate_hertz(source->format().rate);
  config.set_channels(source->format().channels);
  config.set_language(request->language());
  config.set_engine(request->engine());
  config.set_interim_results(wants_interim);
  (void)stream->Write(first);  // if it fails, so does the next
  std::thread sender = StartThread("send", [&] {
    *source_status = Send(source, on_sent, stream.get());
    if (!source_status->ok()) context->TryCancel();
  });
  StreamTranscribeResponse event;
  while (stream->Read(&event)) {
    switch (event.response_case()) {
      case StreamTranscribeResponse::kSegment:
        on_segment(event.segment());
        *transcript->add_segments() = std::move(*event.mutable_segment());
        break;
      case StreamTranscribeResponse::kInterim:
        on_interim(event.interim());
        break;
      case StreamTranscribeResponse::kSummary:
        *transcript->mutable_duration() = event.summary().duration();
        transcript->set_language(event.summary().language());
        break;
      case StreamTranscribeResponse::RESPONSE_NOT_SET:
        break;
    }
  }
  source->Stop();
  sender.join();
  return stream->Finish();
}

}  // namespace souvenir::cli
