#include "cli/transcriptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "cli/printable.h"
#include "cli/recording.h"
#include "common/thread.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::SpeechService;
using souvenir::v1::TranscribeRequest;

// The gateway recognises the segments of one recording in parallel. More recordings at once only
// fill the time in which one is read, sent and cut.
constexpr size_t kMostAtOnce = 4;

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
    if (slots_[i].state == State::kUnderWay && !progress.oldest) progress.oldest = i;
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
  slot.state = State::kEnded;
  has_changed_ = true;
  changed_.NotifyOne();
}

Transcriptions::Transcript Transcriptions::Ask(size_t file, Connection* connection) const {
  const std::string& name = options_.files[file];
  Transcript transcript{.file = file};
  TranscribeRequest request = options_.request;
  if (name == "-") {
    request.set_audio(options_.standard_input);
  } else {
    absl::StatusOr<std::string> audio = ReadRecording(name);
    if (!audio.ok()) {
      transcript.outcome = {ExitCode::kFailed, std::string(audio.status().message())};
      if (absl::IsResourceExhausted(audio.status())) {
        transcript.outcome.hints = SmallerRecordingHints();
      }
      return transcript;
    }
    request.set_audio(*std::move(audio));
  }
  const auto stub = SpeechService::NewStub(connection->channel());
  std::ostringstream notice;
  transcript.outcome = connection->Call([&](grpc::ClientContext* context) {
    AddMetadata(options_.metadata, context);
    const grpc::Status status = stub->Transcribe(context, request, &transcript.response);
    if (status.ok()) TellIgnored(options_.metadata, *context, notice);
    return status;
  });
  transcript.notice = notice.str();
  transcript.elapsed = connection->elapsed();
  if (IsTooLarge(transcript.outcome)) {
    transcript.outcome = {
        ExitCode::kFailed,
        fmt::format("{} has {}, more than the gateway takes in one message",
                    name == "-" ? "standard input" : name, HumanBytes(request.audio().size())),
        SmallerRecordingHints()};
  }
  return transcript;
}

}  // namespace souvenir::cli
