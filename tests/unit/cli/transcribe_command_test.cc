#include "cli/transcribe_command.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "tests/unit/cli/speech_fixture.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::TranscribeResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TranscribeResponse Parse(const std::string& text) {
  TranscribeResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

class TranscribeCommandTest : public SpeechTest {
 protected:
  // Makes a recording, of which the gateway answers `transcript`.
  std::string Record(const std::string& name, const TranscribeResponse& transcript) {
    gateway_.speech.transcripts["audio of " + name] = transcript;
    return WriteFile(name, "audio of " + name);
  }

  std::string RecordSaying(const std::string& name, const std::string& said) {
    TranscribeResponse transcript;
    auto* segment = transcript.add_segments();
    segment->mutable_end()->set_seconds(2);
    segment->set_text(said);
    segment->mutable_provenance()->set_kind(souvenir::v1::CACHE_KIND_MISS);
    transcript.mutable_duration()->set_seconds(2);
    return Record(name, transcript);
  }

  std::string RecordFailing(const std::string& name, grpc::StatusCode code,
                            const std::string& message) {
    gateway_.speech.refusals["audio of " + name] = {code, message};
    return WriteFile(name, "audio of " + name);
  }

  const TranscribeResponse talk_ = Parse(R"(
    segments {
      start { nanos: 500000000 } end { seconds: 2 } text: "Good morning."
      provenance {
        kind: CACHE_KIND_MEMORY model: "pocketsphinx-en" model_version: "1"
        age { seconds: 200 } compute_time { nanos: 2500000 } key: "00ff"
      }
      confidence: 0.875 language: "en"
    }
    segments {
      start { seconds: 3663 } end { seconds: 3665 } text: "Good night."
      provenance { kind: CACHE_KIND_MISS model: "pocketsphinx-en" }
    }
    language: "en" duration { seconds: 3670 }
    segmentation { kind: CACHE_KIND_DISK model: "audio-segments" model_version: "1" key: "aa" })");

  const TranscribeResponse half_ = Parse(R"(
    segments { end { seconds: 2 } text: "Well." provenance { kind: CACHE_KIND_DISK } }
    segments {
      start { seconds: 3 } end { seconds: 5 }
      status { code: 14 message: "compute is away\x1b" }
    }
    duration { seconds: 6 })");
};

TEST_F(TranscribeCommandTest, ShowsALineASegmentWithWhereItCameFrom) {
  EXPECT_EQ(Run({"transcribe", "--language", "en", "--engine", "pocketsphinx",
                 Record("talk.wav", talk_)}),
            0)
      << err_;
  EXPECT_EQ(out_,
            "   0:00.5  memory     Good morning.\n"
            "1:01:03.0  miss       Good night.\n"
            "2 segments of 1 h 1 min in 0 µs: 1 memory, 1 miss\n");
  EXPECT_THAT(err_, IsEmpty());
  const auto& asked = gateway_.speech.asked["audio of talk.wav"];
  EXPECT_EQ(asked.language(), "en");
  EXPECT_EQ(asked.engine(), "pocketsphinx");
  EXPECT_EQ(asked.encoding(), souvenir::v1::AUDIO_ENCODING_UNSPECIFIED);
}

TEST_F(TranscribeCommandTest, VerboseTellsWhereEachSegmentCameFrom) {
  EXPECT_EQ(Run({"transcribe", "-v", Record("talk.wav", talk_)}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("   0:00.5  memory     Good morning.\n"
                              "                      model pocketsphinx-en version 1, computed "
                              "3 min 20 s ago in 2.5 ms\n"
                              "                      key 00ff, language en, confidence 88%\n"));
  EXPECT_THAT(out_, HasSubstr("\nSegments: disk, model audio-segments version 1, computed "));
}

TEST_F(TranscribeCommandTest, SilenceHasNoSegments) {
  EXPECT_EQ(Run({"transcribe", Record("a.wav", Parse("duration { seconds: 5 }"))}), 0) << err_;
  EXPECT_EQ(out_, "0 segments of 5.00 s in 0 µs\n");
}

TEST_F(TranscribeCommandTest, TheCacheIsSteeredByMetadata) {
  EXPECT_EQ(Run({"transcribe", "--tag", "a,b", "--tenant", "acme", "--cache-control", "no-cache",
                 RecordSaying("a.wav", "Hello")}),
            0);
  EXPECT_EQ(gateway_.speech.metadata["souvenir-tags"], "a,b");
  EXPECT_EQ(gateway_.speech.metadata["souvenir-tenant"], "acme");
  EXPECT_EQ(gateway_.speech.metadata["cache-control"], "no-cache");
}

TEST_F(TranscribeCommandTest, AnIgnoredTenantIsToldOnce) {
  gateway_.speech.headers = {{"souvenir-tenant", "ignored"}};
  const std::string file = RecordSaying("a.wav", "Hello");
  EXPECT_EQ(Run({"transcribe", "-q", "--tenant", "acme", file, file}), 0);
  EXPECT_EQ(out_, "Hello\nHello\n");
  EXPECT_THAT(err_, HasSubstr("the gateway ignored --tenant"));
  EXPECT_EQ(err_.find("ignored"), err_.rfind("ignored"));
}

TEST_F(TranscribeCommandTest, SeveralRecordingsComeInTheOrderGivenWithTheirNames) {
  std::vector<std::string> arguments = {"transcribe"};
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    std::string name = "talk";
    name += std::to_string(i);
    name += ".wav";
    arguments.push_back(RecordSaying(name, "It is " + name));
    if (i > 0) expected += '\n';
    expected += "==> ";
    expected += Path(name) + " <==\n0:00.0  miss       It is " + name +
                "\n1 segment of 2.00 s in 0 µs: 1 miss\n";
  }
  EXPECT_EQ(Run(arguments), 0) << err_;
  EXPECT_EQ(out_, expected);
  EXPECT_EQ(gateway_.speech.asked.size(), 20u);
}

TEST_F(TranscribeCommandTest, ARecordingThatFailsDoesNotEndTheOthers) {
  EXPECT_EQ(Run({"transcribe", "-q",
                 RecordFailing("a.wav", grpc::StatusCode::INVALID_ARGUMENT, "no audio"),
                 RecordSaying("b.wav", "Hello"), Path("c.wav")}),
            1);
  EXPECT_EQ(out_, "Hello\n");
  EXPECT_EQ(err_, "souvenir: " + Path("a.wav") + ": INVALID_ARGUMENT: no audio\n" +
                      "souvenir: cannot read " + Path("c.wav") +
                      ": No such file or directory\n"
                      "souvenir: 2 of 3 recordings failed\n");
}

TEST_F(TranscribeCommandTest, OneRecordingThatFailsFailsAsTheCall) {
  EXPECT_EQ(Run({"transcribe", RecordFailing("a.wav", grpc::StatusCode::NOT_FOUND, "no model")}),
            1);
  EXPECT_EQ(err_, "souvenir: NOT_FOUND: no model\n");
}

TEST_F(TranscribeCommandTest, ASegmentThatFailsIsShownAndMakesTheExitStatusOne) {
  const std::string file = Record("a.wav", half_);
  EXPECT_EQ(Run({"transcribe", file}), 1);
  EXPECT_EQ(out_,
            "0:00.0  disk       Well.\n"
            "0:03.0  error      UNAVAILABLE: compute is away\\x1b\n"
            "2 segments of 6.00 s in 0 µs: 1 disk, 1 failed\n");
  EXPECT_EQ(err_, "souvenir: 1 of 2 segments failed\n");
  EXPECT_EQ(Run({"transcribe", "-q", file}), 1);
  EXPECT_EQ(out_, "Well.\n\n");  // line n is segment n
  EXPECT_EQ(err_,
            "0:03.0: UNAVAILABLE: compute is away\\x1b\n"
            "souvenir: 1 of 2 segments failed\n");
}

TEST_F(TranscribeCommandTest, QuietPrintsTheTextAloneASegmentALine) {
  const std::string file = RecordSaying("a.wav", "one\ntwo\x1b");
  EXPECT_EQ(Run({"transcribe", "-q", file}), 0);
  EXPECT_EQ(out_, "one two\x1b\n");  // a pipe gets the text as it is
  out_is_terminal_ = true;
  EXPECT_EQ(Run({"transcribe", "-q", file}), 0);
  EXPECT_EQ(out_, "one two\\x1b\n");
}

TEST_F(TranscribeCommandTest, SubtitlesArePrintedAlone) {
  const std::string file = Record("talk.wav", talk_);
  EXPECT_EQ(Run({"transcribe", "--srt", file}), 0);
  EXPECT_EQ(out_,
            "1\n00:00:00,500 --> 00:00:02,000\nGood morning.\n\n"
            "2\n01:01:03,000 --> 01:01:05,000\nGood night.\n");
  EXPECT_EQ(Run({"transcribe", "--vtt", file}), 0);
  EXPECT_EQ(out_,
            "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nGood morning.\n\n"
            "01:01:03.000 --> 01:01:05.000\nGood night.\n");
  EXPECT_EQ(Run({"transcribe", "--srt", Record("half.wav", half_)}), 1);
  EXPECT_EQ(out_, "1\n00:00:00,000 --> 00:00:02,000\nWell.\n");
  EXPECT_THAT(err_, HasSubstr("0:03.0: UNAVAILABLE"));
}

TEST_F(TranscribeCommandTest, TwoFormsAtOnceAreRefused) {
  const std::string file = RecordSaying("a.wav", "Hello");
  EXPECT_EQ(Run({"transcribe", "--srt", "--vtt", file}), 2);
  EXPECT_EQ(Run({"transcribe", "--srt", "--json", file}), 2);
  EXPECT_EQ(err_, "souvenir: --srt, --vtt and --json exclude each other\n");
  EXPECT_THAT(gateway_.speech.asked, IsEmpty());
}

TEST_F(TranscribeCommandTest, JsonIsADocumentInALineForEachRecording) {
  const std::string hello = RecordSaying("a.wav", "Hello");
  EXPECT_EQ(Run({"--json", "transcribe", hello,
                 RecordFailing("b.wav", grpc::StatusCode::NOT_FOUND, "no\nmodel")}),
            1);
  EXPECT_THAT(out_, HasSubstr("{\"file\":\"" + hello + "\",\"transcript\":{\"segments\":[{"));
  EXPECT_THAT(out_, HasSubstr("\n{\"file\":\"" + Path("b.wav") +
                              "\",\"error\":\"NOT_FOUND: no\\nmodel\"}\n"));
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 2);
}

TEST_F(TranscribeCommandTest, StandardInputMayBeAFile) {
  gateway_.speech.transcripts["samples"] = half_;
  gateway_.speech.transcripts["samples"].mutable_segments()->RemoveLast();
  EXPECT_EQ(Run({"transcribe", "-", "-q"}, "samples"), 0) << err_;
  EXPECT_EQ(out_, "Well.\n");
}

TEST_F(TranscribeCommandTest, StandardInputIsReadOnceAndFromNoTerminal) {
  EXPECT_EQ(Run({"transcribe", "-", "-"}, "samples"), 2);
  EXPECT_THAT(err_, HasSubstr("can be read once"));
  in_is_terminal_ = true;
  EXPECT_EQ(Run({"transcribe", "-"}, "typed"), 2);
  EXPECT_THAT(err_, HasSubstr("a recording is nothing to type"));
  EXPECT_THAT(gateway_.speech.asked, IsEmpty());
}

TEST_F(TranscribeCommandTest, RawSamplesAreDescribedAsAWhole) {
  const std::string file = RecordSaying("a.raw", "Hello");
  EXPECT_EQ(Run({"transcribe", file, "--encoding", "mulaw", "--rate", "44100", "--channels", "2"}),
            0)
      << err_;
  const auto& asked = gateway_.speech.asked["audio of a.raw"];
  EXPECT_EQ(asked.encoding(), souvenir::v1::AUDIO_ENCODING_MULAW);
  EXPECT_EQ(asked.sample_rate_hertz(), 44100);
  EXPECT_EQ(asked.channels(), 2);
  EXPECT_EQ(Run({"transcribe", file, "--encoding", "mulaw"}), 2);
  EXPECT_THAT(err_, HasSubstr("--encoding needs --rate"));
  EXPECT_EQ(Run({"transcribe", file, "--rate", "8000"}), 2);
  EXPECT_THAT(err_, HasSubstr("describe raw samples"));
  EXPECT_EQ(Run({"transcribe", file, "--encoding", "mp3", "--rate", "8000"}), 2);
  EXPECT_THAT(err_, HasSubstr("--encoding"));
  EXPECT_EQ(Run({"transcribe", file, "--encoding", "u8", "--rate", "7999"}), 2);
  EXPECT_THAT(err_, HasSubstr("--rate: '7999' came, 8000 to 192000 is expected"));
  EXPECT_EQ(Run({"transcribe", file, "--encoding", "u8", "--rate", "8000", "--channels", "0"}), 2);
  EXPECT_THAT(err_, HasSubstr("1 to 8 is expected"));
  EXPECT_EQ(Run({"transcribe", file, "--encoding", "u8", "--rate", "fast"}), 2);
}

TEST_F(TranscribeCommandTest, ARecordingMayComeFromAPipe) {
  RecordSaying("a.wav", "Hello");
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(Path("pipe")) << "audio of a.wav"; });
  EXPECT_EQ(Run({"transcribe", "-q", Path("pipe")}), 0) << err_;
  writer.join();
  EXPECT_EQ(out_, "Hello\n");
}

TEST_F(TranscribeCommandTest, ATextGoesToAFileWithoutWhereItCameFrom) {
  EXPECT_EQ(Run({"transcribe", Record("talk.wav", talk_), "-o", Path("talk.txt")}), 0) << err_;
  EXPECT_EQ(ReadFile("talk.txt"), "Good morning.\nGood night.\n");
  EXPECT_EQ(out_, Path("talk.wav") + ": 2 segments of 1 h 1 min in 0 µs: 1 memory, 1 miss\n" +
                      "Written to " + Path("talk.txt") + ".\n");
  EXPECT_EQ(Run({"transcribe", "-q", "-y", Path("talk.wav"), RecordSaying("b.wav", "Hello"), "-o",
                 Path("talk.txt")}),
            0);
  EXPECT_EQ(ReadFile("talk.txt"), "Good morning.\nGood night.\nHello\n");
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_EQ(Run({"transcribe", "-y", Path("b.wav"), Path("b.wav"), "-o", Path("talk.txt")}), 0);
  EXPECT_EQ(ReadFile("talk.txt"),
            "==> " + Path("b.wav") + " <==\nHello\n\n==> " + Path("b.wav") + " <==\nHello\n");
}

TEST_F(TranscribeCommandTest, EachRecordingHasItsFileInADirectory) {
  const std::string a = RecordSaying("a.wav", "One");
  const std::string b = RecordSaying("b.mp3", "Two");
  ASSERT_TRUE(std::filesystem::create_directory(Path("out")));
  EXPECT_EQ(Run({"transcribe", "--vtt", a, Record("half.wav", half_), b, "-o", Path("out")}), 1);
  EXPECT_EQ(ReadFile("out/a.vtt"), "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nOne\n");
  EXPECT_EQ(ReadFile("out/b.vtt"), "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nTwo\n");
  EXPECT_EQ(ReadFile("out/half.vtt"), "(none)");
  EXPECT_THAT(out_, HasSubstr("; written to " + Path("out/b.vtt")));
  EXPECT_THAT(err_, HasSubstr(Path("out/half.vtt") + " is not written"));
  EXPECT_THAT(err_, HasSubstr("1 of 3 recordings failed"));
  const std::string same = RecordSaying("a.mp3", "Three");
  EXPECT_EQ(Run({"transcribe", "-y", a, same, "-o", Path("out")}), 2);
  EXPECT_EQ(err_,
            "souvenir: " + a + " and " + same + " would both go to " + Path("out/a.txt") + "\n");
}

TEST_F(TranscribeCommandTest, AFileIsWrittenAsAWholeOrNotAtAll) {
  WriteFile("talk.txt", "of yesterday");
  EXPECT_EQ(Run({"transcribe", "-y", RecordSaying("a.wav", "Hello"), Record("half.wav", half_),
                 "-o", Path("talk.txt")}),
            1);
  EXPECT_EQ(ReadFile("talk.txt"), "of yesterday");
  EXPECT_EQ(ReadFile("talk.txt.part"), "(none)");
  EXPECT_THAT(err_, HasSubstr(Path("talk.txt") + " is not written"));
  EXPECT_EQ(Run({"transcribe", Path("a.wav"), "-o", Path("no/file")}), 1);
  EXPECT_THAT(err_, HasSubstr("cannot write " + Path("no/file")));
}

TEST_F(TranscribeCommandTest, AFileIsReplacedAfterAQuestionAndARecordingNever) {
  const std::string file = RecordSaying("a.wav", "Hello");
  WriteFile("talk.txt", "of yesterday");
  EXPECT_EQ(Run({"transcribe", file, "-o", Path("talk.txt")}), 2);
  EXPECT_THAT(err_, HasSubstr("--yes"));
  EXPECT_THAT(gateway_.speech.asked, IsEmpty());
  in_is_terminal_ = true;
  EXPECT_EQ(Run({"transcribe", file, "-o", Path("talk.txt")}, "y\n"), 0);
  EXPECT_EQ(ReadFile("talk.txt"), "Hello\n");
  EXPECT_EQ(Run({"transcribe", "-y", file, "-o", file}), 2);
  EXPECT_THAT(err_, HasSubstr("would replace a recording"));
  EXPECT_EQ(ReadFile("a.wav"), "audio of a.wav");
}

TEST_F(TranscribeCommandTest, SubtitlesOfSeveralRecordingsNeedADirectory) {
  const std::string file = RecordSaying("a.wav", "Hello");
  EXPECT_EQ(Run({"transcribe", "--srt", file, file}), 2);
  EXPECT_THAT(err_, HasSubstr("name a directory with -o"));
  EXPECT_EQ(Run({"transcribe", "--srt", file, file, "-o", Path("talk.srt")}), 2);
}

TEST_F(TranscribeCommandTest, ATerminalSeesTheProgress) {
  out_is_terminal_ = true;
  EXPECT_EQ(Run({"transcribe", RecordSaying("a.wav", "Hello")}), 0);
  EXPECT_THAT(err_, HasSubstr("0 of 1 done; at work on a.wav"));
  EXPECT_THAT(err_, ::testing::EndsWith("\r\x1b[K"));
}

TEST_F(TranscribeCommandTest, AServerThatIsNotThereIsToldOnce) {
  std::string address;
  {
    FakeGateway gone;
    ASSERT_TRUE(gone.started());
    address = gone.address();
  }
  std::vector<std::string> arguments = {"transcribe", "--server", address};
  for (int i = 0; i < 10; ++i) arguments.push_back(WriteFile(std::to_string(i), "x"));
  EXPECT_EQ(RunAsIs(arguments), 3);
  EXPECT_THAT(err_, ::testing::StartsWith("souvenir: no server at " + address));
  EXPECT_EQ(err_.find("no server at"), err_.rfind("no server at"));
}

TEST_F(TranscribeCommandTest, ALateAnswerHasItsOwnExitStatusAndSaysThatItGoesOn) {
  const std::string file = RecordSaying("a.wav", "Hello");
  const std::lock_guard<std::mutex> hold(gateway_.speech.holds_transcribe);
  EXPECT_EQ(Run({"--timeout", "1500ms", "transcribe", file}), 4);
  EXPECT_THAT(err_, HasSubstr("within --timeout 1.5s"));
  EXPECT_THAT(err_, HasSubstr("Started again, the command goes on where it was"));
  EXPECT_EQ(Run({"--timeout", "1500ms", "transcribe", file, file}), 4);
  EXPECT_THAT(err_, HasSubstr("2 of 2 recordings failed"));
}

TEST_F(TranscribeCommandTest, AnOldGatewayIsNamed) {
  FakeCompute old;
  ASSERT_TRUE(old.started());
  old.inference.server.set_name("souvenir-gateway");
  old.inference.server.set_version("0.1.0");
  EXPECT_EQ(RunAsIs({"transcribe", "--server", old.address(), RecordSaying("a.wav", "Hello")}), 1);
  EXPECT_THAT(err_, HasSubstr("has no souvenir.v1.SpeechService; it is souvenir-gateway 0.1.0"));
}

TEST_F(TranscribeCommandTest, HelpSaysThatItGoesOnWhereItWas) {
  EXPECT_EQ(Run({"transcribe", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("goes on where it was"));
  EXPECT_THAT(out_, Not(HasSubstr("TEXT")));
}

}  // namespace
}  // namespace souvenir::cli
