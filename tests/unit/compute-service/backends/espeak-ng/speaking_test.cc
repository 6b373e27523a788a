// Speech by the real worker program.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "compute-service/backends/espeak-ng/voices.h"
#include "tests/unit/compute-service/backends/espeak-ng/espeak_ng_fixture.h"

namespace souvenir::compute {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kOrder[] = "The order has not arrived yet. What should I do?";

class SpeakingTest : public EspeakNgTest {
 protected:
  void Start(std::string_view config = "") {
    instance_.reset();
    auto model = Load(config);
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    auto instance = model_->CreateInstance();
    ASSERT_TRUE(instance.ok()) << instance.status();
    instance_ = *std::move(instance);
  }

  std::string Say(const Utterance& utterance) {
    const auto audio = Speak(*instance_, {utterance});
    EXPECT_TRUE(audio.ok()) << audio.status();
    return audio.ok() ? audio->at(0) : "";
  }

  // Returns the message with which an utterance is refused.
  std::string Refusal(const Utterance& utterance) {
    const absl::Status status = Speak(*instance_, {utterance}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  static double Seconds(const std::string& audio) {
    return static_cast<double>(audio.size()) / 2 / 22'050;
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<Instance> instance_;
};

// Returns the median of the fundamental frequency in Hz, by autocorrelation of voiced frames.
double MedianPitch(const std::string& audio) {
  const std::vector<int16_t> samples = ToElements<int16_t>(audio);
  constexpr size_t kFrame = 1100;
  std::vector<double> pitches;
  for (size_t begin = 0; begin + 2 * kFrame < samples.size(); begin += kFrame / 2) {
    double best = 0.8;  // less is no voice
    size_t best_lag = 0;
    for (size_t lag = 22'050 / 350; lag < 22'050 / 45; ++lag) {
      double both = 0;
      double here = 1;
      double there = 1;
      for (size_t i = begin; i < begin + kFrame; ++i) {
        const double a = samples[i];
        const double b = samples[i + lag];
        both += a * b;
        here += a * a;
        there += b * b;
      }
      // A multiple of the period correlates as well as the period, which comes first.
      const double correlation = both / std::sqrt(here * there);
      if (here > kFrame * 1e5 && correlation > best + 0.02) {
        best = correlation;
        best_lag = lag;
      }
    }
    if (best_lag > 0) pitches.push_back(22'050.0 / static_cast<double>(best_lag));
  }
  EXPECT_GT(pitches.size(), 10u);
  std::sort(pitches.begin(), pitches.end());
  return pitches[pitches.size() / 2];
}

TEST_F(SpeakingTest, SpeaksAtItsRate) {
  Start();
  const auto result = Run(*instance_, {{kOrder}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->outputs[0].shape, ElementsAre(1, 1));
  EXPECT_THAT(ToElements<int32_t>(result->outputs[1].data), ElementsAre(22'050));
  EXPECT_GT(result->compute_time, absl::ZeroDuration());
  const std::string audio = Say({kOrder});
  EXPECT_EQ(audio.size() % 2, 0u);
  EXPECT_NEAR(Seconds(audio), 3, 0.5);
}

TEST_F(SpeakingTest, TheSameTextHasTheSameBytesWhateverCameBefore) {
  Start();
  const std::string first = Say({kOrder});
  const std::vector<Utterance> others = {{"Bonjour tout le monde.", "fr-fr", 2, 5},
                                         {"El pedido todavía no ha llegado.", "es", 0.5F, -6},
                                         {"日本語", "ja"},
                                         {kOrder, "en-gb-x-rp"}};
  for (int i = 0; i < 100; ++i) {
    if (i % 4 == 1) Say(others[static_cast<size_t>(i / 4) % others.size()]);
    if (i % 4 == 2) {
      EXPECT_FALSE(Speak(*instance_, {{kOrder, "gl"}}).ok());
    }
    ASSERT_EQ(Say({kOrder}), first) << i;
  }
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(SpeakingTest, TheSameTextHasTheSameBytesInEveryHostAndEveryRow) {
  Start();
  const std::string alone = Say({kOrder});
  const std::string spanish = Say({"¿Qué hago?", "es"});
  const std::vector<Utterance> rows = {
      {"¿Qué hago?", "es"}, {kOrder}, {""}, {kOrder}, {"¿Qué hago?", "es"}};
  for (int host = 0; host < 5; ++host) {
    Start();
    const auto audio = Speak(*instance_, rows);
    ASSERT_TRUE(audio.ok()) << audio.status();
    EXPECT_TRUE(*audio == std::vector<std::string>({spanish, alone, "", alone, spanish})) << host;
  }
}

TEST_F(SpeakingTest, EveryVoiceSpeaks) {
  Start();
  const auto voices = ReadVoices(SOUVENIR_ESPEAK_NG_DATA);
  ASSERT_TRUE(voices.ok());
  for (const Voice& voice : *voices) {
    const auto audio = Speak(*instance_, {{"1 2 3", voice.name}});
    ASSERT_TRUE(audio.ok()) << voice.name << ": " << audio.status();
    EXPECT_GT(audio->at(0).size(), 10'000u) << voice.name;
  }
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(SpeakingTest, RateAndPitchMoveByWhatWasAskedFor) {
  Start();
  Utterance utterance{
      "La la la mama non mama lalala, nanana mamama ananas lala. Mama nomo lalolo."};
  const std::string normal = Say(utterance);
  utterance.rate = 2;
  EXPECT_NEAR(Seconds(normal) / Seconds(Say(utterance)), 2, 0.4);
  utterance.rate = 0.5F;
  EXPECT_NEAR(Seconds(normal) / Seconds(Say(utterance)), 0.5, 0.1);
  utterance.rate = 1;
  const double own = MedianPitch(normal);
  for (const float semitones : {-6.5F, -3.0F, 4.0F, 8.0F}) {
    utterance.pitch = semitones;
    EXPECT_NEAR(12 * std::log2(MedianPitch(Say(utterance)) / own), semitones, 1.2) << semitones;
  }
}

TEST_F(SpeakingTest, WhatCannotBeSpokenIsRefusedByName) {
  Start();
  EXPECT_THAT(Refusal({kOrder, "gl"}), AllOf(HasSubstr("'gl'"), HasSubstr(" pt,")));
  EXPECT_THAT(Refusal({kOrder, "../../../etc/passwd"}), HasSubstr("there is no voice"));
  EXPECT_THAT(Refusal({kOrder, "en-us", 0.1F}), HasSubstr("from 0.46 to 2.57"));
  EXPECT_THAT(Refusal({kOrder, "en-us", 1, 20}), HasSubstr("from -6.5 to 8"));
  EXPECT_THAT(Refusal({"\xff"}), HasSubstr("not UTF-8"));
  EXPECT_THAT(Refusal({std::string(10'001, 'a')}), HasSubstr("at most 10000 (max_text_bytes)"));
  EXPECT_EQ(model_->lost_workers(), 0u);
  EXPECT_GT(Say({kOrder}).size(), 0u);
}

TEST_F(SpeakingTest, NothingIsSilence) {
  Start();
  EXPECT_EQ(Say({""}), "");
  EXPECT_EQ(Say({" \n\x01 "}), "");
}

TEST_F(SpeakingTest, ControlsAndMarkupDoNotAct) {
  Start();
  const std::string plain = Say({" 400S hello there my friend"});
  EXPECT_EQ(Say({"\x01"
                 "400S hello there my friend"}),
            plain);
  EXPECT_EQ(Say({"\x01"
                 "99P hello"}),
            Say({" 99P hello"}));
  // A break of 100,000 s, read out and not obeyed.
  EXPECT_LT(Seconds(Say({"hi <break time='100000s'/> there"})), 10);
  EXPECT_LT(Seconds(Say({"<speak><audio src='/etc/passwd'/><prosody rate='1%'>slow</prosody>"})),
            20);
  EXPECT_GT(Seconds(Say({"[[h@l'oU]]"})), Seconds(Say({"hello"}))) << "phonemes are spelled";
}

TEST_F(SpeakingTest, ScriptsThatTheVoiceCannotReadAreReadSomehow) {
  Start();
  for (const char* text : {"日本語", "😀", "𝔘𝔫𝔦", "\xE2\x80\x8F\xD8\xA7", "\xCC\x81\xCC\x81"}) {
    EXPECT_TRUE(Speak(*instance_, {{text}}).ok()) << text;
  }
}

TEST_F(SpeakingTest, ThereIsAnEndToSpeech) {
  Start(Parameter("max_seconds", "2"));
  EXPECT_THAT(Refusal({kOrder}), HasSubstr("longer than the model's limit of 2 s"));
  EXPECT_LT(Seconds(Say({"Hello."})), 2);
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(SpeakingTest, AMegabyteWithoutASpaceCostsOneRequestAtMost) {
  Start(Parameter("max_text_bytes", "2000000") + Parameter("max_seconds", "60"));
  const std::string hello = Say({"Hello."});
  for (const std::string& text : {std::string(1 << 20, 'a'), std::string(1 << 20, '7'),
                                  std::string(1 << 20, '<'), std::string(1 << 20, '.')}) {
    const absl::Status status = Speak(*instance_, {{text}}).status();
    EXPECT_NE(status.code(), absl::StatusCode::kInternal) << status;
    EXPECT_EQ(Say({"Hello."}), hello);
  }
}

TEST_F(SpeakingTest, ARowThatTakesTooLongIsKilledAlone) {
  Start(Parameter("max_text_bytes", "2000000") + Parameter("max_seconds", "3600"));
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "The order has not arrived. ";
  const absl::Status status =
      Run(*instance_, {{text}, {"Hello."}}, absl::Milliseconds(20)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_GT(Say({"Hello."}).size(), 0u);
  EXPECT_EQ(model_->lost_workers(), 1u);
}

}  // namespace
}  // namespace souvenir::compute
