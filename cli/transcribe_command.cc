#include "cli/transcribe_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "cli/audio_names.h"
#include "cli/complain.h"
#include "cli/printable.h"
#include "cli/progress_line.h"
#include "cli/recording.h"
#include "cli/standard_recording.h"
#include "cli/transcript_destination.h"
#include "cli/transcript_form.h"
#include "cli/transcript_view.h"
#include "cli/transcriptions.h"
#include "common/audio/pcm_format.h"
#include "common/cut_text.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::TranscribeRequest;
using souvenir::v1::TranscribeResponse;
using souvenir::v1::TranscriptSegment;

constexpr size_t kMostNameBytes = 40;  // of a file in the progress

constexpr char kGoesOn[] =
    "Started again, the command goes on where it was: what was recognised is remembered.";

// Returns the request without audio.
std::variant<TranscribeRequest, Outcome> MakeRequest(const TranscribeOptions& options) {
  TranscribeRequest request;
  request.set_language(options.language);
  request.set_engine(options.engine);
  if (options.encoding.empty()) {
    if (options.rate == 0 && options.channels == 0) return request;
    return Outcome::Usage("--rate and --channels describe raw samples, which --encoding names");
  }
  if (options.rate == 0) {
    return Outcome::Usage("--encoding needs --rate, the number of samples in a second");
  }
  request.set_encoding(AudioEncodingOf(options.encoding));
  request.set_sample_rate_hertz(options.rate);
  request.set_channels(options.channels);
  return request;
}

// Returns the form that the flags name, or kUsage for two.
std::variant<TranscriptForm, Outcome> FormOf(const TranscribeOptions& options,
                                             const Settings& settings) {
  if (options.srt + options.webvtt + settings.json > 1) {
    return Outcome::Usage("--srt, --vtt and --json exclude each other");
  }
  return options.srt      ? TranscriptForm::kSrt
         : options.webvtt ? TranscriptForm::kWebVtt
         : settings.json  ? TranscriptForm::kJson
                          : TranscriptForm::kText;
}

// Returns the form of raw samples, or nothing for files.
absl::StatusOr<std::optional<PcmFormat>> RawFormat(const TranscribeOptions& options) {
  if (options.encoding.empty()) return std::nullopt;
  return ParsePcmFormat(fmt::format("{};rate={};channels={}", options.encoding, options.rate,
                                    std::max(options.channels, 1)));
}

// Opens standard input if a recording comes from there.
std::variant<StandardRecording, Outcome> OpenInput(const TranscribeOptions& options,
                                                   const std::optional<PcmFormat>& format,
                                                   Console& console) {
  const auto count = std::count(options.files.begin(), options.files.end(), "-");
  if (count == 0) return StandardRecording();
  if (count > 1) return Outcome::Usage("- is standard input, which can be read once");
  if (console.in_is_terminal) {
    return Outcome::Usage("a recording is nothing to type; name a file, or redirect");
  }
  absl::StatusOr<StandardRecording> input = OpenStandardRecording(format, console);
  if (input.ok()) return *std::move(input);
  Outcome outcome{ExitCode::kFailed, std::string(input.status().message())};
  if (absl::IsResourceExhausted(input.status())) outcome.hints = SmallerRecordingHints();
  return outcome;
}

// Returns the name of a recording for people.
std::string NameOf(const std::string& file) { return file == "-" ? "standard input" : file; }

// Shows the transcripts one after the other, and tells what the command ends with.
class Report {
 public:
  Report(const TranscribeOptions& options, TranscriptForm form, TranscriptDestination* destination,
         Console& console)
      : options_(options), form_(form), destination_(*destination), console_(console) {}

  // Shows segments of the recording whose transcript is next, if they are not kept for a document.
  void AddNews(const Transcriptions::News& news) {
    if (!shows_segments() || news.segments.empty()) return;
    TranscribeResponse part;
    for (const TranscriptSegment& segment : news.segments) *part.add_segments() = segment;
    ShowPart(options_.files[news.file], part);
  }

  void Add(Transcriptions::Transcript transcript) {
    const std::string& name = options_.files[transcript.file];
    Outcome outcome = std::move(transcript.outcome);
    if (notice_.empty()) {  // the same holds for the others
      notice_ = std::move(transcript.notice);
      console_.err << notice_;
    }
    if (transcript.streamed && shows_segments()) {
      ShowRest(name, transcript);
      if (outcome.ok()) outcome = TranscriptResult(transcript.response);
    } else if (outcome.ok()) {
      outcome = Show(name, transcript.response, transcript.elapsed);
    } else if (form_ == TranscriptForm::kJson && !destination_.has_file_for_each()) {
      destination_.Write(name, JsonOfError(name, outcome.message));
    }
    if (outcome.code == ExitCode::kDeadline) outcome.hints.emplace_back(kGoesOn);
    if (!outcome.ok()) AddFailure(name, std::move(outcome));
  }

  // Returns what the command ends with.
  Outcome Result() {
    const bool has_one_file =
        !destination_.is_standard_output() && !destination_.has_file_for_each();
    if (failed_ == 0) {
      Outcome outcome = destination_.End({});
      if (outcome.ok() && has_one_file && tells_of_files()) {
        console_.out << fmt::format("Written to {}.\n", Printable(options_.output));
      }
      return outcome;
    }
    const bool one = options_.files.size() == 1;
    Outcome outcome = last_failure_;
    if (!one && outcome.code != ExitCode::kUnreachable) {
      const bool same = same_code_ && failed_ == options_.files.size();
      outcome = {same ? last_failure_.code : ExitCode::kFailed,
                 fmt::format("{} of {} recordings failed", failed_, options_.files.size())};
    }
    if (has_one_file) {
      outcome.hints.push_back(options_.output + " is not written, because it would not be whole.");
    }
    return destination_.End(std::move(outcome));
  }

 private:
  bool several() const { return options_.files.size() > 1; }
  // Segments of a long recording are shown one by one.
  bool shows_segments() const {
    return form_ == TranscriptForm::kText && destination_.is_standard_output();
  }
  bool tells_of_files() const { return !options_.quiet && form_ != TranscriptForm::kJson; }

  void ShowPart(const std::string& name, const TranscribeResponse& part) {
    if (options_.quiet) {
      console_.err << ShowFailedSegments(part) << std::flush;
      (void)destination_.Write(name, DocumentOf(part, form_, name));  // prints it
    } else {
      if (shown_ == 0) console_.out << Heading(name);
      console_.out << ShowTranscript(part, options_.verbose, kLongPlaceWidth) << std::flush;
    }
    shown_ += part.segments_size();
  }

  // Shows what AddNews() has not shown, and how the recording was written down.
  void ShowRest(const std::string& name, const Transcriptions::Transcript& transcript) {
    TranscribeResponse rest = transcript.response;
    rest.mutable_segments()->DeleteSubrange(0, std::min(shown_, rest.segments_size()));
    const bool is_first = shown_ == 0 && transcript.outcome.ok();
    if (rest.segments_size() > 0 || is_first) ShowPart(name, rest);
    shown_ = 0;
    if (options_.quiet || !transcript.outcome.ok()) return;
    console_.out << TranscriptSummary(transcript.response, transcript.elapsed) << '\n'
                 << std::flush;
  }

  // Prints or writes a transcript. Its failed segments make it a failure.
  Outcome Show(const std::string& name, const TranscribeResponse& response,
               absl::Duration elapsed) {
    const Outcome result = TranscriptResult(response);
    const std::string summary = TranscriptSummary(response, elapsed);
    const bool for_people = form_ == TranscriptForm::kText && !options_.quiet;
    if (for_people && destination_.is_standard_output()) {
      console_.out << Heading(name) << ShowTranscript(response, options_.verbose) << summary << '\n'
                   << std::flush;
      return result;
    }
    if (!result.ok()) {
      if (several()) console_.err << Printable(NameOf(name)) << ":\n";
      console_.err << ShowFailedSegments(response) << std::flush;
    }
    if (!result.ok() && destination_.has_file_for_each()) {
      return {result.code,
              fmt::format("{}; {} is not written", result.message, destination_.PathFor(name))};
    }
    std::string document = DocumentOf(response, form_, name);
    if (for_people && !destination_.has_file_for_each()) document = Heading(name) + document;
    Outcome written = destination_.Write(name, document);
    if (!written.ok()) return written;
    if (tells_of_files() && !destination_.is_standard_output()) {
      console_.out << fmt::format("{}: {}{}\n", Printable(NameOf(name)), summary,
                                  destination_.has_file_for_each()
                                      ? "; written to " + Printable(destination_.PathFor(name))
                                      : "")
                   << std::flush;
    }
    return result;
  }

  // Returns the line above a transcript, as `head` prints it; empty for a single recording.
  std::string Heading(const std::string& name) {
    if (!several()) return "";
    return fmt::format("{}==> {} <==\n", std::exchange(headings_, headings_ + 1) > 0 ? "\n" : "",
                       Printable(NameOf(name)));
  }

  void AddFailure(const std::string& name, Outcome outcome) {
    ++failed_;
    same_code_ = same_code_ && (failed_ == 1 || outcome.code == last_failure_.code);
    if (several() && outcome.code != ExitCode::kUnreachable) {
      Outcome shown = outcome;
      if (shown.message.find(NameOf(name)) == std::string::npos) {
        shown.message = fmt::format("{}: {}", NameOf(name), shown.message);
      }
      if (failed_ > 1 && shown.hints == last_failure_.hints) shown.hints.clear();
      Complain(shown, console_);
    }
    last_failure_ = std::move(outcome);
  }

  const TranscribeOptions& options_;
  const TranscriptForm form_;
  TranscriptDestination& destination_;
  Console& console_;
  std::string notice_;
  size_t headings_ = 0;
  int shown_ = 0;  // segments of the recording whose transcript is next
  size_t failed_ = 0;
  bool same_code_ = true;  // of all failures
  Outcome last_failure_;
};

std::string ProgressText(const std::vector<std::string>& files,
                         const Transcriptions::Progress& progress) {
  std::string text = fmt::format("{} of {} done", progress.ended, files.size());
  if (progress.oldest) {
    // A line that a terminal breaks could not be removed.
    const std::string name = std::filesystem::path(NameOf(files[*progress.oldest])).filename();
    text += fmt::format("; at work on {}", Printable(Shortened(name, kMostNameBytes)));
    if (progress.sent > absl::ZeroDuration()) {
      text += ", " + PlaceInRecording(progress.sent);
      if (progress.length > progress.sent) text += " of " + PlaceInRecording(progress.length);
    }
  }
  return text;
}

}  // namespace

Outcome Transcribe(const TranscribeOptions& options, const Settings& settings, Console& console) {
  auto request = MakeRequest(options);
  if (auto* outcome = std::get_if<Outcome>(&request)) return *std::move(outcome);
  const auto form = FormOf(options, settings);
  if (const auto* outcome = std::get_if<Outcome>(&form)) return *outcome;
  TranscriptDestination destination({.output = options.output,
                                     .files = options.files,
                                     .form = std::get<TranscriptForm>(form),
                                     .yes = options.yes},
                                    console);
  if (Outcome opened = destination.Open(); !opened.ok()) return opened;
  const absl::StatusOr<std::optional<PcmFormat>> format = RawFormat(options);
  if (!format.ok()) return Outcome::Usage(std::string(format.status().message()));
  auto input = OpenInput(options, *format, console);
  if (auto* outcome = std::get_if<Outcome>(&input)) return *std::move(outcome);

  Report report(options, std::get<TranscriptForm>(form), &destination, console);
  ProgressLine progress(console);
  progress.Show(ProgressText(options.files, {.ended = 0, .oldest = 0}));
  const bool listens = std::get<StandardRecording>(input).samples != nullptr;
  Transcriptions transcriptions(
      {.files = options.files,
       .standard_input = std::move(std::get<StandardRecording>(input).bytes),
       .samples = std::move(std::get<StandardRecording>(input).samples),
       .request = std::get<TranscribeRequest>(std::move(request)),
       .format = *format,
       .stream = options.stream,
       .wants_interim = listens && console.out_is_terminal,
       .metadata = options.request,
       .server = settings.ToServerForLong(),
       .clock = console.clock});
  std::optional<TranscriptSegment> interim;  // until its segment comes
  while (!transcriptions.done()) {
    std::optional<Transcriptions::Transcript> transcript = transcriptions.Next();
    Transcriptions::News news;
    if (!transcript) news = transcriptions.TakeNews();
    if (transcript || !news.segments.empty() || news.interim) interim = std::move(news.interim);
    progress.Clear();
    report.AddNews(news);
    if (transcript) report.Add(*std::move(transcript));
    if (transcriptions.done()) break;
    progress.Show(interim ? ShowInterim(*interim)
                          : ProgressText(options.files, transcriptions.progress()));
  }
  return report.Result();
}

}  // namespace souvenir::cli
