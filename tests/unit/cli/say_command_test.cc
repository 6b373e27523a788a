#include "cli/say_command.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "cli/audio_names.h"
#include "cli/spoken_audio.h"
#include "tests/unit/cli/speech_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SayCommandTest : public SpeechTest {
 protected:
  void AddSentence(const std::string& text, const std::string& audio, souvenir::v1::CacheKind kind,
                   int32_t sample_rate = 22050) {
    auto& sentence = gateway_.speech.sentences.emplace_back();
    sentence.set_text(text);
    sentence.set_audio(audio);
    sentence.set_sample_rate_hertz(sample_rate);
    sentence.mutable_duration()->set_nanos(600'000'000);
    sentence.set_voice("es-first");
    sentence.set_language("es");
    sentence.mutable_provenance()->set_kind(kind);
    sentence.mutable_provenance()->set_model("espeak");
  }

  void AddTwoSentences() {
    AddSentence("Hola.", "one ", souvenir::v1::CACHE_KIND_MEMORY);
    AddSentence("Adi\u00f3s.", "two ", souvenir::v1::CACHE_KIND_MISS);
  }

  const souvenir::v1::SynthesizeRequest& asked() const { return gateway_.speech.asked_to_say; }
};

TEST_F(SayCommandTest, WritesAWavFileOfAllSentences) {
  AddTwoSentences();
  EXPECT_EQ(Run({"say", "-o", Path("hola.wav"), "--language", "es", "Hola.", "Adiós.", "--rate",
                 "1.5", "--pitch", "-2", "--engine", "espeak", "--tag", "t"}),
            0)
      << err_;
  EXPECT_EQ(ReadFile("hola.wav"), WavHeader(22050, 8) + "one two ");
  EXPECT_EQ(asked().text(), "Hola. Adiós.");
  EXPECT_EQ(asked().language(), "es");
  EXPECT_EQ(asked().voice(), "");
  EXPECT_EQ(asked().engine(), "espeak");
  EXPECT_EQ(asked().rate(), 1.5F);
  EXPECT_EQ(asked().pitch(), -2.0F);
  EXPECT_EQ(asked().container(), souvenir::v1::AUDIO_CONTAINER_RAW);
  EXPECT_EQ(gateway_.speech.metadata["souvenir-tags"], "t");
  EXPECT_EQ(out_,
            "2 sentences, 1.20 s of speech at 22050 Hz by es-first in 0 µs: 1 memory, 1 miss; "
            "written to " +
                Path("hola.wav") + "\n");
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(SayCommandTest, TheFormatIsThatOfTheNameOrOfTheFlag) {
  AddTwoSentences();
  gateway_.speech.spoken.set_audio("a file");
  using souvenir::v1::AudioContainer;
  for (const auto& [name, format, container, content] :
       std::vector<std::tuple<std::string, std::string, AudioContainer, std::string>>{
           {"a.OGG", "", souvenir::v1::AUDIO_CONTAINER_OGG, "a file"},
           {"a.oga", "", souvenir::v1::AUDIO_CONTAINER_OGG, "a file"},
           {"a.pcm", "", souvenir::v1::AUDIO_CONTAINER_RAW, "one two "},
           {"a.flac", "", souvenir::v1::AUDIO_CONTAINER_FLAC, "a file"},
           {"b.wav", "raw", souvenir::v1::AUDIO_CONTAINER_RAW, "one two "},
           {"none", "ogg", souvenir::v1::AUDIO_CONTAINER_OGG, "a file"}}) {
    std::vector<std::string> arguments = {"say", "--voice", "v", "-o", Path(name), "Hola"};
    if (!format.empty()) arguments.insert(arguments.end(), {"--format", format});
    EXPECT_EQ(Run(arguments), 0) << name << err_;
    EXPECT_EQ(asked().container(), container) << name;
    EXPECT_EQ(ReadFile(name), content) << name;
  }
  EXPECT_EQ(Run({"say", "--voice", "v", "-o", Path("a.mp3"), "Hola"}), 2);
  EXPECT_THAT(err_, HasSubstr("a.mp3 tells no format; end it in .wav, .flac, .ogg or .raw"));
  EXPECT_EQ(Run({"say", "--voice", "v", "--format", "mp3", "Hola"}), 2);
}

TEST_F(SayCommandTest, StandardOutputGetsTheAudioAloneUnlessItIsATerminal) {
  AddTwoSentences();
  EXPECT_EQ(Run({"say", "--voice", "v", "Hola"}), 0);
  EXPECT_EQ(out_, WavHeader(22050, 8) + "one two ");
  EXPECT_THAT(err_, HasSubstr("2 sentences, 1.20 s of speech at 22050 Hz"));
  EXPECT_EQ(Run({"say", "--voice", "v", "--format", "raw", "-q", "-o", "-", "Hola"}), 0);
  EXPECT_EQ(out_, "one two ");
  EXPECT_THAT(err_, IsEmpty());
  out_is_terminal_ = true;
  EXPECT_EQ(Run({"say", "--voice", "v", "Hola"}), 2);
  EXPECT_EQ(err_, "souvenir: audio is nothing for a terminal; name a file with -o, or redirect\n");
}

TEST_F(SayCommandTest, TheTextMayComeFromStandardInput) {
  EXPECT_EQ(Run({"say", "--voice", "v", "-q"}, "Hola\n"), 0);
  EXPECT_EQ(asked().text(), "Hola");
  EXPECT_EQ(Run({"say", "--voice", "v", "-q"}, "\n"), 2);
  EXPECT_THAT(err_, HasSubstr("there is no text to say"));
  EXPECT_EQ(Run({"say", "--voice", "v", "-q"}, "a\xff"), 2);
  EXPECT_THAT(err_, HasSubstr("byte 1 is 0xff"));
}

TEST_F(SayCommandTest, ALanguageOrAVoiceIsRequired) {
  EXPECT_EQ(Run({"say", "Hola"}), 2);
  EXPECT_THAT(err_, HasSubstr("--language or --voice is required"));
}

TEST_F(SayCommandTest, NumbersAreChecked) {
  for (const char* rate : {"0", "-1", "nan", "inf", "fast"}) {
    EXPECT_EQ(Run({"say", "--voice", "v", std::string("--rate=") + rate, "Hola"}), 2) << rate;
    EXPECT_THAT(err_, HasSubstr("--rate")) << rate;
  }
  EXPECT_EQ(Run({"say", "--voice", "v", "--pitch", "1000", "Hola"}), 2);
}

TEST_F(SayCommandTest, VerboseTellsWhereEachSentenceCameFrom) {
  AddTwoSentences();
  EXPECT_EQ(Run({"say", "-v", "--voice", "v", "-o", Path("a.wav"), "Hola"}), 0);
  EXPECT_THAT(out_, HasSubstr("memory     Hola.\n           model espeak version ?, computed"));
  EXPECT_THAT(out_, HasSubstr("miss       Adiós.\n"));
  *gateway_.speech.spoken.add_sentences() = gateway_.speech.sentences[0].provenance();
  EXPECT_EQ(Run({"say", "-v", "--voice", "v", "-o", Path("a.flac"), "Hola"}), 0);
  EXPECT_THAT(out_, HasSubstr("memory     sentence 1\n"));
}

TEST_F(SayCommandTest, JsonHasTheAudioOnlyIfNoFileHasIt) {
  AddTwoSentences();
  gateway_.speech.spoken.set_audio("whole");
  EXPECT_EQ(Run({"--json", "say", "-v", "--voice", "v", "-o", Path("a.wav"), "Hola"}), 0);
  souvenir::v1::SynthesizeResponse response;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out_, &response).ok()) << out_;
  EXPECT_EQ(response.audio(), "");
  EXPECT_EQ(response.sentences_size(), 2);
  EXPECT_EQ(response.sample_rate_hertz(), 22050);
  EXPECT_EQ(response.duration().seconds(), 1);
  EXPECT_EQ(response.duration().nanos(), 200'000'000);
  EXPECT_EQ(response.voice(), "es-first");
  out_is_terminal_ = true;
  EXPECT_EQ(Run({"--json", "say", "--voice", "v", "--format", "ogg", "Hola"}), 0);
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out_, &response).ok()) << out_;
  EXPECT_EQ(response.audio(), "whole");
  EXPECT_EQ(asked().container(), souvenir::v1::AUDIO_CONTAINER_OGG);
}

TEST_F(SayCommandTest, AnIgnoredTenantIsTold) {
  gateway_.speech.headers = {{"souvenir-tenant", "ignored"}};
  for (const char* format : {"wav", "flac"}) {
    EXPECT_EQ(Run({"say", "--voice", "v", "--tenant", "acme", "--format", format, "Hola"}), 0);
    EXPECT_THAT(err_, HasSubstr("the gateway ignored --tenant")) << format;
  }
}

TEST_F(SayCommandTest, AFileIsWrittenAsAWholeOrNotAtAll) {
  AddTwoSentences();
  gateway_.speech.status = {grpc::StatusCode::UNAVAILABLE, "compute is away"};
  WriteFile("a.wav", "of yesterday");
  EXPECT_EQ(Run({"say", "-y", "--voice", "v", "-o", Path("a.wav"), "Hola"}), 1);
  EXPECT_THAT(err_, HasSubstr("UNAVAILABLE: compute is away"));
  EXPECT_EQ(ReadFile("a.wav"), "of yesterday");
  EXPECT_EQ(ReadFile("a.wav.part"), "(none)");
}

TEST_F(SayCommandTest, AFileIsReplacedAfterAQuestion) {
  AddTwoSentences();
  WriteFile("a.wav", "of yesterday");
  EXPECT_EQ(Run({"say", "--voice", "v", "-o", Path("a.wav"), "Hola"}), 2);
  EXPECT_THAT(err_, HasSubstr("a.wav would be replaced"));
  EXPECT_EQ(ReadFile("a.wav"), "of yesterday");
  in_is_terminal_ = true;
  EXPECT_EQ(Run({"say", "--voice", "v", "-o", Path("a.wav"), "Hola"}, "n\n"), 1);
  EXPECT_EQ(Run({"say", "--voice", "v", "-o", Path("a.wav"), "Hola"}, "y\n"), 0);
  EXPECT_EQ(ReadFile("a.wav"), WavHeader(22050, 8) + "one two ");
}

// Many programs would play only the first sentence of an Ogg file that was joined.
TEST_F(SayCommandTest, AFileThatCannotBeJoinedComesInOneMessageOrSaysWhatToDo) {
  AddTwoSentences();
  gateway_.speech.status = {grpc::StatusCode::RESOURCE_EXHAUSTED,
                            "the audio has 5 bytes, and a message may have 4"};
  EXPECT_EQ(Run({"say", "--voice", "v", "-o", Path("a.ogg"), "Hola"}), 1);
  EXPECT_THAT(err_, HasSubstr("a message may have 4\nWAV (--format wav) and raw samples come in "
                              "sentences, and may be longer.\n"));
  EXPECT_EQ(ReadFile("a.ogg"), "(none)");
}

TEST_F(SayCommandTest, SentencesWithDifferentSampleRatesAreNotJoined) {
  AddSentence("a", "one ", souvenir::v1::CACHE_KIND_MISS, 22050);
  AddSentence("b", "two ", souvenir::v1::CACHE_KIND_MISS, 16000);
  EXPECT_EQ(Run({"say", "--voice", "v", "-o", Path("a.wav"), "Hola"}), 1);
  EXPECT_THAT(err_, HasSubstr("different sample rates, 22050 Hz and 16000 Hz"));
  EXPECT_EQ(ReadFile("a.wav"), "(none)");
}

TEST_F(SayCommandTest, ATerminalSeesTheProgress) {
  AddTwoSentences();
  out_is_terminal_ = true;
  EXPECT_EQ(Run({"say", "--voice", "v", "-o", Path("a.wav"), "Hola"}), 0);
  EXPECT_THAT(err_, HasSubstr("2 said, 1.20 s of speech"));
  EXPECT_THAT(err_, ::testing::EndsWith("\r\x1b[K"));
}

TEST_F(SayCommandTest, VoicesAndRecognizersAreListed) {
  EXPECT_EQ(Run({"voices"}), 1);
  EXPECT_THAT(err_, HasSubstr("the gateway knows no voice"));
  EXPECT_EQ(Run({"recognizers"}), 1);
  EXPECT_THAT(err_, HasSubstr("the gateway knows no recogniser"));
  for (const auto& [name, language] : {std::pair{"en-gb", "en-GB"}, {"es", "es"}}) {
    auto& voice = gateway_.speech.voices.emplace_back();
    voice.set_name(name);
    voice.set_language(language);
    voice.set_model("espeak");
    voice.set_description("Of " + std::string(language));
    auto* recognizer = gateway_.speech.recognizers.add_recognizers();
    recognizer->set_language(language);
    recognizer->set_model("sphinx");
  }
  EXPECT_EQ(Run({"voices"}), 0);
  EXPECT_EQ(out_,
            "voice  language  model   description\n"
            "en-gb  en-GB     espeak  Of en-GB\n"
            "es     es        espeak  Of es\n");
  EXPECT_EQ(Run({"voices", "--language", "es"}), 0);
  EXPECT_EQ(out_, "voice  language  model   description\nes     es        espeak  Of es\n");
  EXPECT_EQ(Run({"voices", "--language", "fr"}), 1);
  EXPECT_THAT(err_, HasSubstr("no voice speaks 'fr'"));
  EXPECT_EQ(Run({"recognizers"}), 0);
  EXPECT_EQ(out_, "language  model\nen-GB     sphinx\nes        sphinx\n");
  EXPECT_EQ(Run({"--json", "recognizers"}), 0);
  EXPECT_THAT(out_, ::testing::StartsWith("{\"recognizers\":[{\"language\":\"en-GB\""));
}

TEST(WavHeaderTest, IsThatOfOneChannelOf16Bits) {
  using namespace std::string_literals;
  EXPECT_EQ(WavHeader(22050, 8),
            "RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x22\x56\0\0\x44\xac\0\0\2\0\x10\0"
            "data\x08\0\0\0"s);
}

TEST(AudioNamesTest, EveryEncodingAndFormatOfTheProtocolHasAName) {
  const auto encodings = AudioEncodingNames();
  ASSERT_EQ(encodings.size(), static_cast<size_t>(souvenir::v1::AudioEncoding_MAX));
  for (size_t i = 0; i < encodings.size(); ++i) {
    EXPECT_EQ(AudioEncodingOf(encodings[i]), static_cast<int>(i + 1)) << encodings[i];
  }
  const auto formats = AudioFormatNames();
  ASSERT_EQ(formats.size(), static_cast<size_t>(souvenir::v1::AudioContainer_MAX));
  for (size_t i = 0; i < formats.size(); ++i) {
    EXPECT_EQ(AudioFormatOf(formats[i]), static_cast<int>(i + 1)) << formats[i];
    EXPECT_EQ(AudioFormatOfFile("a/b." + formats[i]), static_cast<int>(i + 1)) << formats[i];
  }
}

}  // namespace
}  // namespace souvenir::cli
