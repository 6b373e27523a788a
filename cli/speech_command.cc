#include "cli/speech_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "cli/audio_names.h"
#include "cli/cache_kind.h"
#include "cli/confirm.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/output_file.h"
#include "cli/printable.h"
#include "cli/progress_line.h"
#include "cli/provenance_view.h"
#include "cli/recording.h"
#include "cli/spoken_audio.h"
#include "cli/standard_input.h"
#include "cli/time_conversion.h"
#include "cli/transcript_view.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::AudioContainer;
using souvenir::v1::SpeechService;
using souvenir::v1::TranslateSpeechConfig;
using souvenir::v1::TranslateSpeechEvent;
using souvenir::v1::TranslateSpeechRequest;

constexpr size_t kPieceBytes = 64u << 10;  // of a recording in one message

absl::StatusOr<std::string> Read(const SpeechOptions& options, Console& console) {
  return options.file == "-" ? ReadAll(console.in, kMostRecordingBytes)
                             : ReadRecording(options.file);
}

std::variant<TranslateSpeechConfig, Outcome> MakeConfig(const SpeechOptions& options) {
  TranslateSpeechConfig config;
  config.set_source_language(options.source);
  for (const std::string& target : options.targets) config.add_target_languages(target);
  for (const std::string& voice : options.voices) {
    const size_t equals = voice.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == voice.size()) {
      return Outcome::Usage(
          fmt::format("--voice {}: LANGUAGE=NAME is expected, as in es=es-419", voice));
    }
    (*config.mutable_voices())[voice.substr(0, equals)] = voice.substr(equals + 1);
  }
  return config;
}

// The name of a recording without its folder and extension, for the files made of it.
std::string StemOf(const SpeechOptions& options) {
  return options.file == "-" ? "speech" : std::filesystem::path(options.file).stem().string();
}

// A segment, as far as it is known.
struct Segment {
  souvenir::v1::TranscriptSegment transcript;
  std::vector<souvenir::v1::Translation> translations;        // in the order in which they came
  std::map<std::string, souvenir::v1::SegmentSpeech> spoken;  // by language
};

// Collects events, which come in any order.
class Story {
 public:
  void Add(TranslateSpeechEvent event) {
    switch (event.event_case()) {
      case TranslateSpeechEvent::kSegment:
        segments_[event.segment().segment()].transcript =
            std::move(*event.mutable_segment()->mutable_transcript());
        return;
      case TranslateSpeechEvent::kTranslation:
        segments_[event.translation().segment()].translations.push_back(
            std::move(*event.mutable_translation()->mutable_translation()));
        return;
      case TranslateSpeechEvent::kSpeech:
        segments_[event.speech().segment()].spoken[event.speech().target_language()] =
            std::move(*event.mutable_speech());
        return;
      case TranslateSpeechEvent::kSummary:
      case TranslateSpeechEvent::EVENT_NOT_SET:
        return;
    }
  }

  const std::map<int, Segment>& segments() const { return segments_; }

  // Returns the languages that were spoken.
  std::vector<std::string> Languages() const {
    std::vector<std::string> languages;
    for (const auto& [number, segment] : segments_) {
      for (const auto& [language, spoken] : segment.spoken) {
        const bool known =
            std::find(languages.begin(), languages.end(), language) != languages.end();
        if (!known && !spoken.has_status()) languages.push_back(language);
      }
    }
    return languages;
  }

  // Returns a line for each segment and each translation, for a person.
  std::string Text() const {
    std::string text;
    for (const auto& [number, segment] : segments_) {
      const souvenir::v1::TranscriptSegment& heard = segment.transcript;
      text += Line(PlaceInRecording(FromProto(heard.start())), heard.provenance().kind(),
                   heard.has_status() ? StatusText(heard.status()) : Printable(heard.text()));
      for (const souvenir::v1::Translation& translation : segment.translations) {
        text +=
            Line("  " + Printable(translation.target_language()), translation.provenance().kind(),
                 translation.has_status() ? StatusText(translation.status())
                                          : Printable(translation.text()));
      }
    }
    return text;
  }

  // Returns the errors of steps, each once.
  std::vector<std::string> Errors() const {
    std::vector<std::string> errors;
    const auto add = [&](const auto& answer) {
      if (!answer.has_status()) return;
      std::string text = StatusText(answer.status());
      if (std::find(errors.begin(), errors.end(), text) == errors.end()) {
        errors.push_back(std::move(text));
      }
    };
    for (const auto& [number, segment] : segments_) {
      add(segment.transcript);
      for (const auto& translation : segment.translations) add(translation);
      for (const auto& [language, spoken] : segment.spoken) add(spoken);
    }
    return errors;
  }

 private:
  static std::string Line(const std::string& place, souvenir::v1::CacheKind kind,
                          const std::string& text) {
    return fmt::format("{}  {}  {}\n", PadRight(place, 8),
                       PadRight(CacheKindName(kind), kKindWidth), text);
  }

  std::map<int, Segment> segments_;
};

// Writes the recordings of one language, one after another, to a file.
Outcome WriteFile(const Story& story, const std::string& language, AudioContainer format,
                  const std::string& path, Console& console) {
  OutputFile file({.path = path, .content = "audio", .work = "the work"}, console);
  if (Outcome checked = file.Check(); !checked.ok()) return checked;
  if (Outcome opened = file.Open(); !opened.ok()) return opened;
  SpokenAudio audio(format, &file.stream());
  for (const auto& [number, segment] : story.segments()) {
    const auto spoken = segment.spoken.find(language);
    if (spoken == segment.spoken.end() || spoken->second.has_status()) continue;
    const absl::Status added =
        audio.Add(spoken->second.audio(), spoken->second.sample_rate_hertz());
    if (!added.ok()) return file.End(OutcomeOf(added));
  }
  audio.End();
  return file.End({});
}

}  // namespace

Outcome Speech(const SpeechOptions& options, const Settings& settings, Console& console) {
  auto made = MakeConfig(options);
  if (auto* outcome = std::get_if<Outcome>(&made)) return *std::move(outcome);
  auto config = std::get<TranslateSpeechConfig>(std::move(made));
  const AudioContainer format = AudioFormatOf(options.format);
  // Segments of WAV are joined, and get a header at the end.
  config.set_container(
      format == souvenir::v1::AUDIO_CONTAINER_WAV ? souvenir::v1::AUDIO_CONTAINER_RAW : format);

  const std::filesystem::path directory = options.output;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!std::filesystem::is_directory(directory, error)) {
    return {ExitCode::kFailed,
            fmt::format("cannot write to {}: it is no directory", options.output)};
  }
  const auto path_for = [&](const std::string& language) {
    return (directory / fmt::format("{}.{}.{}", StemOf(options), language, options.format))
        .string();
  };
  for (const std::string& target : options.targets) {
    const std::string path = path_for(target);
    if (!std::filesystem::exists(path, error)) continue;
    Outcome confirmed =
        Confirm(path + " would be replaced", "Replace " + path + "?", options.yes, console);
    if (!confirmed.ok()) return confirmed;
  }
  if (options.file == "-" && console.in_is_terminal) {
    return Outcome::Usage("a recording is nothing to type; name a file, or redirect");
  }
  const absl::StatusOr<std::string> recording = Read(options, console);
  if (!recording.ok()) return {ExitCode::kFailed, std::string(recording.status().message())};

  Connection connection(settings.ToServerForLong(), SpeechService::service_full_name(),
                        console.clock);
  const auto stub = SpeechService::NewStub(connection.channel());
  Story story;
  ProgressLine progress(console);
  size_t events = 0;
  Outcome outcome = connection.Call([&](grpc::ClientContext* context) {
    AddMetadata(options.request, context);
    const auto stream = stub->TranslateSpeech(context);
    TranslateSpeechRequest request;
    *request.mutable_config() = config;
    bool sent = stream->Write(request);
    for (size_t at = 0; sent && at < recording->size(); at += kPieceBytes) {
      request.set_audio(recording->substr(at, kPieceBytes));
      sent = stream->Write(request);
    }
    stream->WritesDone();
    TranslateSpeechEvent event;
    while (stream->Read(&event)) {
      progress.Show(fmt::format("{} answers came", ++events));
      if (settings.json) {
        TranslateSpeechEvent told = event;
        if (told.has_speech()) told.mutable_speech()->clear_audio();
        console.out << ToJson(told) << '\n';
      }
      story.Add(std::move(event));
    }
    const grpc::Status status = stream->Finish();
    if (status.ok()) TellIgnored(options.request, *context, console.err);
    return status;
  });
  progress.Clear();
  if (!outcome.ok()) return outcome;

  if (!settings.json && !options.quiet) console.out << story.Text();
  for (const std::string& language : story.Languages()) {
    const std::string path = path_for(language);
    Outcome written = WriteFile(story, language, format, path, console);
    if (!written.ok()) return written;
    if (!settings.json && !options.quiet) {
      console.out << fmt::format("Written to {}.\n", Printable(path));
    }
  }
  const std::vector<std::string> errors = story.Errors();
  if (errors.empty()) return {};
  return {ExitCode::kFailed, "a part of the recording has no translation or no speech", errors};
}

}  // namespace souvenir::cli
