#include "cli/say_command.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "cli/audio_names.h"
#include "cli/cache_kind.h"
#include "cli/confirm.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/output_file.h"
#include "cli/printable.h"
#include "cli/progress_line.h"
#include "cli/provenance_view.h"
#include "cli/spoken_audio.h"
#include "cli/text_input.h"
#include "cli/time_conversion.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::AudioContainer;
using souvenir::v1::Provenance;
using souvenir::v1::SpeechService;
using souvenir::v1::SynthesizedSentence;
using souvenir::v1::SynthesizeRequest;
using souvenir::v1::SynthesizeResponse;

bool GoesToStandardOutput(const SayOptions& options) {
  return options.output.empty() || options.output == "-";
}

// Returns the format by --format, or else by the name of the file.
std::variant<AudioContainer, Outcome> FormatOf(const SayOptions& options) {
  if (!options.format.empty()) return AudioFormatOf(options.format);
  if (GoesToStandardOutput(options)) return souvenir::v1::AUDIO_CONTAINER_WAV;
  const AudioContainer format = AudioFormatOfFile(options.output);
  if (format != souvenir::v1::AUDIO_CONTAINER_UNSPECIFIED) return format;
  return Outcome::Usage(fmt::format(
      "the name {} tells no format; end it in .wav, .flac, .ogg or .raw, or use --format",
      options.output));
}

// Returns true for formats whose sentences every program plays as one.
bool ComesInSentences(AudioContainer format) {
  return format == souvenir::v1::AUDIO_CONTAINER_WAV || format == souvenir::v1::AUDIO_CONTAINER_RAW;
}

std::variant<SynthesizeRequest, Outcome> MakeRequest(const SayOptions& options, Console& console) {
  auto text = ReadText(options.text, console);
  if (auto* outcome = std::get_if<Outcome>(&text)) return *std::move(outcome);
  SynthesizeRequest request;
  request.set_text(std::get<std::string>(std::move(text)));
  if (request.text().empty()) return Outcome::Usage("there is no text to say");
  request.set_language(options.language);
  request.set_voice(options.voice);
  request.set_engine(options.engine);
  request.set_rate(static_cast<float>(options.rate));
  request.set_pitch(static_cast<float>(options.pitch));
  return request;
}

// Tells a person about the sentences.
class SayReport {
 public:
  SayReport(const SayOptions& options, bool quiet, Console& console)
      : verbose_(options.verbose),
        quiet_(quiet),
        out_(GoesToStandardOutput(options) ? console.err : console.out),
        progress_(console) {}

  // `text` is empty if it is not known.
  void Add(const Provenance& provenance, const std::string& text, absl::Duration spoken) {
    ++sentences_;
    counts_.Add(provenance.kind());
    spoken_ += spoken;
    if (quiet_) return;
    if (verbose_) {
      progress_.Clear();
      const std::string prefix = PadRight(CacheKindName(provenance.kind()), kKindWidth) + "  ";
      const size_t indent = DisplayWidth(prefix);
      out_ << prefix << (text.empty() ? fmt::format("sentence {}", sentences_) : Printable(text))
           << '\n'
           << std::string(indent, ' ') << PrintableLines(ProvenanceDetails(provenance), indent)
           << '\n'
           << std::flush;
    }
    progress_.Show(fmt::format("{} said, {} of speech", sentences_, HumanDuration(spoken_)));
  }

  // Prints "3 sentences, 4.20 s of speech at 22050 Hz by en-gb in 9.8 ms: 2 memory, 1 miss".
  void End(const SynthesizeResponse& response, absl::Duration elapsed, const std::string& file) {
    progress_.Clear();
    if (quiet_) return;
    out_ << fmt::format("{} {}, {} of speech at {} Hz by {} in {}{}{}\n", sentences_,
                        sentences_ == 1 ? "sentence" : "sentences",
                        HumanDuration(FromProto(response.duration())), response.sample_rate_hertz(),
                        Printable(response.voice()), HumanDuration(elapsed), counts_.Text(),
                        file.empty() ? "" : "; written to " + Printable(file));
  }

 private:
  const bool verbose_;
  const bool quiet_;
  std::ostream& out_;
  ProgressLine progress_;
  size_t sentences_ = 0;
  absl::Duration spoken_;
  KindCounts counts_;
};

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  const int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &duration);
  proto->set_seconds(seconds);
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

// Asks for speech. Both ways give all but the audio in `response`, and report each sentence.
class Speaker {
 public:
  // All outlive it.
  Speaker(const SayOptions& options, Connection* connection, SayReport* report, std::ostream* err)
      : options_(options),
        connection_(*connection),
        stub_(SpeechService::NewStub(connection->channel())),
        report_(*report),
        err_(*err) {}

  // Asks for sentence after sentence, so that the length of the speech has no limit but that of the
  // text.
  Outcome BySentence(SynthesizeRequest request, AudioContainer format, std::ostream& out,
                     SynthesizeResponse* response) {
    SpokenAudio audio(format, &out);
    request.set_container(souvenir::v1::AUDIO_CONTAINER_RAW);
    absl::Status joined;
    absl::Duration spoken;
    Outcome outcome = connection_.Call([&](grpc::ClientContext* context) {
      AddMetadata(options_.request, context);
      const auto reader = stub_->StreamSynthesize(context, request);
      SynthesizedSentence sentence;
      while (joined.ok() && out && reader->Read(&sentence)) {
        joined = audio.Add(sentence.audio(), sentence.sample_rate_hertz());
        spoken += FromProto(sentence.duration());
        response->set_sample_rate_hertz(sentence.sample_rate_hertz());
        response->set_voice(sentence.voice());
        response->set_language(sentence.language());
        *response->add_sentences() = sentence.provenance();
        report_.Add(sentence.provenance(), sentence.text(), FromProto(sentence.duration()));
      }
      if (!joined.ok() || !out) context->TryCancel();
      const grpc::Status status = reader->Finish();
      if (status.ok()) TellIgnored(options_.request, *context, err_);
      return status;
    });
    SetDuration(spoken, response->mutable_duration());
    if (!joined.ok()) return OutcomeOf(joined);
    if (!outcome.ok()) return outcome;
    audio.End();
    return outcome;
  }

  // Asks for all in one message, which has the audio too.
  Outcome AtOnce(SynthesizeRequest request, AudioContainer format, SynthesizeResponse* response) {
    request.set_container(format);
    Outcome outcome = connection_.Call([&](grpc::ClientContext* context) {
      AddMetadata(options_.request, context);
      const grpc::Status status = stub_->Synthesize(context, request, response);
      if (status.ok()) TellIgnored(options_.request, *context, err_);
      return status;
    });
    for (const Provenance& sentence : response->sentences()) report_.Add(sentence, "", {});
    // The first is gRPC's word for it, the other the gateway's.
    if (outcome.message.find("message larger than max") != std::string::npos ||
        outcome.message.find("a message may have") != std::string::npos) {
      outcome.hints.emplace_back(
          "WAV (--format wav) and raw samples come in sentences, and may be longer.");
    }
    return outcome;
  }

 private:
  const SayOptions& options_;
  Connection& connection_;
  const std::unique_ptr<SpeechService::Stub> stub_;
  SayReport& report_;
  std::ostream& err_;
};

}  // namespace

Outcome Say(const SayOptions& options, const Settings& settings, Console& console) {
  if (options.language.empty() && options.voice.empty()) {
    return Outcome::Usage(
        "--language or --voice is required; `souvenir voices` lists those there are");
  }
  const auto found = FormatOf(options);
  if (const auto* outcome = std::get_if<Outcome>(&found)) return *outcome;
  const auto format = std::get<AudioContainer>(found);
  const bool to_standard_output = GoesToStandardOutput(options);
  if (to_standard_output && console.out_is_terminal && !settings.json) {
    return Outcome::Usage("audio is nothing for a terminal; name a file with -o, or redirect");
  }
  std::optional<OutputFile> file;
  if (!to_standard_output) {
    file.emplace(
        OutputFile::Options{.path = options.output, .content = "audio", .work = "the work"},
        console);
    if (Outcome checked = file->Check(); !checked.ok()) return checked;
    if (file->ReplacesContent()) {
      Outcome confirmed = Confirm(options.output + " would be replaced",
                                  "Replace " + options.output + "?", options.yes, console);
      if (!confirmed.ok()) return confirmed;
    }
  }
  auto made = MakeRequest(options, console);
  if (auto* outcome = std::get_if<Outcome>(&made)) return *std::move(outcome);
  auto request = std::get<SynthesizeRequest>(std::move(made));
  if (file) {
    if (Outcome opened = file->Open(); !opened.ok()) return opened;
  }

  Connection connection(settings.ToServerForLong(), SpeechService::service_full_name(),
                        console.clock);
  SayReport report(options, options.quiet || settings.json, console);
  SynthesizeResponse response;
  std::ostream& out = file ? file->stream() : console.out;
  Outcome outcome;
  const bool audio_in_json = settings.json && to_standard_output;
  Speaker speaker(options, &connection, &report, &console.err);
  if (audio_in_json || !ComesInSentences(format)) {
    outcome = speaker.AtOnce(std::move(request), format, &response);
    if (!audio_in_json) {
      out << response.audio();
      response.clear_audio();
    }
  } else {
    outcome = speaker.BySentence(std::move(request), format, out, &response);
  }
  if (file) outcome = file->End(std::move(outcome));
  if (!outcome.ok()) return outcome;
  report.End(response, connection.elapsed(), to_standard_output ? "" : options.output);
  if (settings.json) console.out << ToJson(response) << '\n';
  return {};
}

}  // namespace souvenir::cli
