#include "cli/transcriptions.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "cli/recording.h"
#include "cli/transcription_stream.h"
#include "common/status_macros.h"
#include "common/thread.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::SpeechService;
using souvenir::v1::TranscribeRequest;
using souvenir::v1::TranscriptSegment;

// The gateway recognises the segments of one recording in parallel. More recordings at once only
// fill the time in which one is read, sent and cut.
constexpr size_t kMostAtOnce = 4;

// A longer recording is sent piece by piece, well below the limits of the default configuration: a
// message has 16 MiB at most, and so have the samples of all segments together, 8.7 minutes.
constexpr uint64_t kMostBytesAtOnce = 8u << 20;
constexpr absl::Duration kLongestAtOnce = absl::Minutes(5);

// Returns true if a message was too large for the gateway. Only gRPC's message tells.
bool IsTooLarge(const Outcome& outcome) {
  return outcome.message.starts_with("RESOURCE_EXHAUSTED") &&
         outcome.message.find("message larger than max") != std::string::npos;
}

}  // namespace

Transcriptions::Transcriptions(Options options)
    : options_(std::move(options)), slots_(options_.files.size()) {
  const size_t threads = std::min(kMostAtOnce, options_.files.size());
  for (size_t i = 0; i < threads; ++i) {
    threads_.push_back(StartThread("transcribe", [this] { AskAll(); }));
  }
}

Transcriptions::~Transcriptions() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

std::optional<Transcriptions::Transcript> Transcriptions::Next() {
  MutexLock lock(&mutex_);
  Slot& next = slots_[returned_];
  while (next.state != State::kEnded && !has_changed_) changed_.Wait(&mutex_);
  has_changed_ = false;
  if (next.state != State::kEnded) return std::nullopt;
  ++returned_;
  if (next.transcript.outcome.code == ExitCode::kUnreachable) returned_ = slots_.size();
  return std::move(next.transcript);
}

Transcriptions::Progress Transcriptions::progress() const {
  MutexLock lock(&mutex_);
  Progress progress;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state == State::kEnded) ++progress.ended;
    if (slots_[i].state == State::kUnderWay && !progress.oldest) {
      progress.oldest = i;
      progress.sent = slots_[i].sent;
      progress.length = slots_[i].length;
    }
  }
  return progress;
}

void Transcriptions::AskAll() {
  Connection connection(options_.server, SpeechService::service_full_name(), options_.clock);
  while (const std::optional<size_t> file = Begin()) End(Ask(*file, &connection));
}

std::optional<size_t> Transcriptions::Begin() {
  MutexLock lock(&mutex_);
  if (stopped_ || begun_ == slots_.size()) return std::nullopt;
  slots_[begun_].state = State::kUnderWay;
  has_changed_ = true;
  changed_.NotifyOne();
  return begun_++;
}

void Transcriptions::End(Transcript transcript) {
  MutexLock lock(&mutex_);
  // Recordings begin in order, so that those before this one end by themselves.
  if (transcript.outcome.code == ExitCode::kUnreachable) stopped_ = true;
  Slot& slot = slots_[transcript.file];
  slot.transcript = std::move(transcript);
  slot.news = {};  // the transcript has them
  slot.state = State::kEnded;
  has_changed_ = true;
  changed_.NotifyOne();
}

Transcriptions::News Transcriptions::TakeNews() {
  MutexLock lock(&mutex_);
  News news = std::exchange(slots_[returned_].news, {});
  news.file = returned_;
  return news;
}

void Transcriptions::Tell(size_t file, const std::function<void(Slot*)>& change) {
  MutexLock lock(&mutex_);
  change(&slots_[file]);
  has_changed_ = true;
  changed_.NotifyOne();
}

Transcriptions::Transcript Transcriptions::Ask(size_t file, Connection* connection) {
  const std::string& name = options_.files[file];
  Transcript transcript{.file = file};
  absl::StatusOr<Opened> opened = Open(name);
  if (opened.ok() && opened->samples == nullptr) {
    AskAtOnce(opened->bytes, connection, &transcript);
    if (!IsTooLarge(transcript.outcome)) return transcript;
    // The limit of this gateway is lower.
    absl::StatusOr<std::unique_ptr<SampleSource>> samples = Decode(name, std::move(opened->bytes));
    if (samples.ok()) {
      opened->samples = *std::move(samples);
    } else {
      opened = samples.status();
    }
  }
  if (opened.ok()) {
    AskByPieces(opened->samples.get(), connection, &transcript);
    return transcript;
  }
  transcript.outcome = {ExitCode::kFailed, std::string(opened.status().message())};
  if (absl::IsResourceExhausted(opened.status())) {
    transcript.outcome.hints = SmallerRecordingHints();
  }
  return transcript;
}

absl::StatusOr<Transcriptions::Opened> Transcriptions::Open(const std::string& name) {
  Opened opened;
  if (name == "-") {
    opened.samples = std::move(options_.samples);
    if (opened.samples != nullptr) return opened;
    opened.bytes = std::move(options_.standard_input);
  } else {
    std::error_code error;  // for a pipe, and a file that is not there
    const uintmax_t size = std::filesystem::file_size(name, error);
    if (!error && (options_.stream || size > kMostBytesAtOnce)) {
      SOUVENIR_ASSIGN_OR_RETURN(opened.samples, OpenLong(name));
      return opened;
    }
    SOUVENIR_ASSIGN_OR_RETURN(opened.bytes, ReadRecording(name));
  }
  const bool is_large = options_.stream || opened.bytes.size() > kMostBytesAtOnce;
  // A small file may be a long recording. One that cannot be read goes to the gateway, which says
  // why.
  absl::StatusOr<std::unique_ptr<SampleSource>> samples = Decode(name, opened.bytes);
  if (!samples.ok() && is_large) return samples.status();
  if (samples.ok() && (is_large || (*samples)->length() > kLongestAtOnce)) {
    opened.bytes.clear();
    opened.samples = *std::move(samples);
  }
  return opened;
}

absl::StatusOr<std::unique_ptr<SampleSource>> Transcriptions::OpenLong(const std::string& name) {
  if (options_.format) {
    SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> bytes, OpenFileBytes(name));
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(name, error);
    return MakeRawSamples(*options_.format, error ? 0 : size, std::move(bytes));
  }
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<AudioSource> bytes, OpenAudioFile(name));
  return DecodeRecording(name, std::move(bytes));
}

absl::StatusOr<std::unique_ptr<SampleSource>> Transcriptions::Decode(const std::string& name,
                                                                     std::string bytes) const {
  if (options_.format) {
    const size_t size = bytes.size();
    return MakeRawSamples(*options_.format, size, MakeBytes(std::move(bytes)));
  }
  return DecodeRecording(name == "-" ? "standard input" : name, MakeAudioBytes(std::move(bytes)));
}

void Transcriptions::AskAtOnce(std::string bytes, Connection* connection,
                               Transcript* transcript) const {
  TranscribeRequest request = options_.request;
  request.set_audio(std::move(bytes));
  const auto stub = SpeechService::NewStub(connection->channel());
  std::ostringstream notice;
  transcript->outcome = connection->Call([&](grpc::ClientContext* context) {
    AddMetadata(options_.metadata, context);
    const grpc::Status status = stub->Transcribe(context, request, &transcript->response);
    if (status.ok()) TellIgnored(options_.metadata, *context, notice);
    return status;
  });
  transcript->notice = notice.str();
  transcript->elapsed = connection->elapsed();
}

void Transcriptions::AskByPieces(SampleSource* samples, Connection* connection,
                                 Transcript* transcript) {
  const size_t file = transcript->file;
  transcript->streamed = true;
  Tell(file, [&](Slot* slot) { slot->length = samples->length(); });
  const auto stub = SpeechService::NewStub(connection->channel());
  TranscriptionStream stream{
      .stub = stub.get(),
      .request = &options_.request,
      .source = samples,
      .wants_interim = options_.wants_interim,
      .on_segment =
          [&](const TranscriptSegment& segment) {
            Tell(file, [&](Slot* slot) {
              slot->news.segments.push_back(segment);
              slot->news.interim.reset();
            });
          },
      .on_interim =
          [&](const TranscriptSegment& segment) {
            Tell(file, [&](Slot* slot) { slot->news.interim = segment; });
          },
      .on_sent =
          [this, file, told = absl::ZeroDuration()](absl::Duration sent) mutable {
            // More often would only keep the terminal busy.
            if (sent - told < absl::Seconds(1)) return;
            told = sent;
            Tell(file, [&](Slot* slot) { slot->sent = sent; });
          }};
  std::ostringstream notice;
  absl::Status source_status;
  transcript->outcome = connection->Call([&](grpc::ClientContext* context) {
    AddMetadata(options_.metadata, context);
    const grpc::Status status = stream.Run(context, &transcript->response, &source_status);
    if (status.ok()) TellIgnored(options_.metadata, *context, notice);
    return status;
  });
  if (!source_status.ok()) {
    transcript->outcome = {ExitCode::kFailed, std::string(source_status.message())};
  }
  transcript->notice = notice.str();
  transcript->elapsed = connection->elapsed();
}

}  // namespace souvenir::cli
