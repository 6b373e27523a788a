#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <string>

#include "cli/arguments.h"
#include "cli/audio_names.h"
#include "cli/command_tree.h"

// The commands about speech.

namespace souvenir::cli {
namespace {

// Returns a check for a number from `least` to `most`, which CLI11's own would describe in its
// help.
CLI::Validator Between(double least, double most, const std::string& expected) {
  return CLI::Validator(
      [=](const std::string& text) -> std::string {
        double number = 0;
        // CLI11 itself refuses what is no number.
        if (!CLI::detail::lexical_cast(text, number)) return "";
        if (number >= least && number <= most) return "";
        return "'" + text + "' came, " + expected + " is expected";
      },
      "");
}

void AddTranscribe(CommandTree* tree, Console* console) {
  CLI::App* command = tree->app.add_subcommand(
      "transcribe", "Write down what recordings say; started again, it goes on where it was");
  TranscribeOptions& options = tree->transcribe;
  AddWords(command, "FILE", &options.files,
           "Recordings: WAV, FLAC, OGG, MP3, AIFF; -: standard input, such as a microphone")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--language", options.language,
                   "In which, as in en; default: the model detects it")
      ->type_name("LANGUAGE");
  command->add_option("--engine", options.engine, "Whose models to use, as in pocketsphinx")
      ->type_name("NAME");
  command
      ->add_option("--encoding", options.encoding,
                   "The recordings are raw samples in this encoding")
      ->type_name(fmt::format("{}", fmt::join(AudioEncodingNames(), "|")))
      ->check(CLI::IsMember(AudioEncodingNames()).description(""));
  command->add_option("--rate", options.rate, "Of raw samples: how many in a second, as in 16000")
      ->type_name("HERTZ")
      ->check(Between(8000, 192'000, "8000 to 192000"));
  command
      ->add_option("--channels", options.channels,
                   "Of raw samples: how many channels alternate; default: 1")
      ->type_name("NUMBER")
      ->check(Between(1, 8, "1 to 8"));
  command->add_flag("--stream", options.stream,
                    "Send the recordings piece by piece, as those that do not fit into a message");
  command->add_flag("--srt", options.srt, "Print subtitles as SubRip");
  command->add_flag("--vtt", options.webvtt, "Print subtitles as WebVTT");
  command
      ->add_option("-o,--output", options.output,
                   "Write the text to this file, or to a file for each recording in this directory")
      ->type_name("FILE");
  command->add_flag("-y,--yes", options.yes, "Replace files that are there without asking");
  AddRequestFlags(command, &options.request);
  command->add_flag("-v,--verbose", options.verbose, "Tell where each answer came from");
  command->add_flag("-q,--quiet", options.quiet, "Print nothing but the text, a line a segment");
  command->callback([tree, console] {
    tree->command = [tree, console] {
      return Transcribe(tree->transcribe, tree->settings, *console);
    };
  });
}

void AddSpeech(CommandTree* tree, Console* console) {
  CLI::App* command = tree->app.add_subcommand(
      "speech", "Translate a recording into recordings in other languages");
  SpeechOptions& options = tree->speech;
  command->add_option("FILE", options.file, "The recording; -: standard input")
      ->type_name("FILE")
      ->required();
  command->add_option("--from", options.source, "In which language it is, as in en")
      ->type_name("LANGUAGE")
      ->required();
  AddList(command, "--to", &options.targets, "Into which to translate, as in es,fr")
      ->type_name("LANGUAGE")
      ->required();
  AddList(command, "--voice", &options.voices, "Who speaks a language, as in es=es-419")
      ->type_name("LANGUAGE=NAME");
  command
      ->add_option("-o,--output", options.output,
                   "The directory for the files, NAME.LANGUAGE.wav; default: the present one")
      ->type_name("DIR");
  command->add_option("--format", options.format, "Of the audio; raw: s16le; default: wav")
      ->type_name("wav|raw")
      ->check(CLI::IsMember({"wav", "raw"}).description(""));
  command->add_flag("-y,--yes", options.yes, "Replace files that are there without asking");
  AddRequestFlags(command, &options.request);
  command->add_flag("-q,--quiet", options.quiet, "Print no texts");
  command->callback([tree, console] {
    tree->command = [tree, console] { return Speech(tree->speech, tree->settings, *console); };
  });
}

void AddSay(CommandTree* tree, Console* console) {
  CLI::App* command = tree->app.add_subcommand("say", "Speak a text into a file of audio");
  SayOptions& options = tree->say;
  AddWords(command, "TEXT", &options.text, "The text; without it, or for -, standard input");
  command
      ->add_option(
          "-o,--output", options.output,
          "The file; its name tells the format (.wav, .flac, .ogg, .raw); default: standard output")
      ->type_name("FILE");
  command->add_flag("-y,--yes", options.yes, "Replace a file that is there without asking");
  command->add_option("--language", options.language, "In which, as in es; its first voice speaks")
      ->type_name("LANGUAGE");
  command->add_option("--voice", options.voice, "Whose voice, as `souvenir voices` lists it")
      ->type_name("NAME");
  command->add_option("--engine", options.engine, "Whose models to use, as in espeak")
      ->type_name("NAME");
  command->add_option("--rate", options.rate, "How fast, as a factor of the voice's own speed")
      ->type_name("FACTOR")
      ->check(Between(std::nextafter(0, 1), 100, "more than 0, and at most 100"));
  command
      ->add_option("--pitch", options.pitch,
                   "How much higher than the voice's own, in semitones; negative: lower")
      ->type_name("SEMITONES")
      ->check(Between(-100, 100, "-100 to 100"));
  command
      ->add_option("--format", options.format,
                   "Of the audio, whatever the name of the file; raw: s16le")
      ->type_name(fmt::format("{}", fmt::join(AudioFormatNames(), "|")))
      ->check(CLI::IsMember(AudioFormatNames()).description(""));
  AddRequestFlags(command, &options.request);
  command->add_flag("-v,--verbose", options.verbose, "Tell where each sentence came from");
  command->add_flag("-q,--quiet", options.quiet, "Print no summary");
  command->callback([tree, console] {
    tree->command = [tree, console] { return Say(tree->say, tree->settings, *console); };
  });
}

}  // namespace

void AddSpeechCommands(CommandTree* tree, Console* console) {
  AddTranscribe(tree, console);
  AddSay(tree, console);
  AddSpeech(tree, console);

  CLI::App* voices = tree->app.add_subcommand("voices", "List the voices that can speak");
  voices->add_option("--language", tree->voices.language, "Only of this one")
      ->type_name("LANGUAGE");
  voices->callback([tree, console] {
    tree->command = [tree, console] { return Voices(tree->voices, tree->settings, *console); };
  });

  CLI::App* recognizers = tree->app.add_subcommand(
      "recognizers", "List the models that recognise speech (und: in any language)");
  recognizers->callback([tree, console] {
    tree->command = [tree, console] { return Recognizers(tree->settings, *console); };
  });
}

}  // namespace souvenir::cli
