// Recognition by the real worker program of recordings in Debian's pocketsphinx-testdata.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "tests/unit/compute-service/backends/pocketsphinx/bare_decoder.h"
#include "tests/unit/compute-service/backends/pocketsphinx/pocketsphinx_fixture.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Samples = std::vector<int16_t>;

constexpr size_t kRate = 16'000;
constexpr char kGoForward[] = "goforward.raw";
constexpr char kClubs[] = "cards/001.wav";
constexpr char kYoungMan[] = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav";

struct Heard {
  std::string text;
  std::string words;
  float confidence = 0;

  bool operator==(const Heard&) const = default;
};

class RecognitionTest : public PocketsphinxTest {
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

  absl::StatusOr<std::vector<Heard>> HearRows(const std::vector<std::string>& rows,
                                              absl::Duration row_limit = absl::Minutes(2)) {
    const auto count = static_cast<int64_t>(rows.size());
    Tensor audio{"AUDIO", DataType::kBytes, {count, 1}, ""};
    for (const std::string& row : rows) AppendBytesElement(row, &audio.data);
    const std::vector<TensorView> inputs = {audio.view()};
    const std::vector<std::string> outputs = {"TEXT", "WORDS", "CONFIDENCE"};
    SOUVENIR_ASSIGN_OR_RETURN(
        const InferenceResult result,
        instance_->Run(
            {.inputs = inputs, .outputs = outputs, .rows = count, .row_limit = row_limit}));
    EXPECT_THAT(result.outputs[2].shape, ElementsAre(count, 1));
    BytesElementReader texts(result.outputs[0].data);
    BytesElementReader words(result.outputs[1].data);
    const std::vector<float> confidences = ToElements<float>(result.outputs[2].data);
    std::vector<Heard> heard;
    for (size_t i = 0; i < rows.size(); ++i) {
      heard.push_back({std::string(*texts.Next()), std::string(*words.Next()), confidences[i]});
    }
    return heard;
  }

  Heard Hear(const Samples& samples) {
    const auto heard = HearRows({FromElements<int16_t>(samples)});
    EXPECT_TRUE(heard.ok()) << heard.status();
    return heard.ok() ? heard->at(0) : Heard();
  }

  std::string Refusal(const std::string& audio) {
    const absl::Status status = HearRows({audio}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<Instance> instance_;
};

void Append(const Samples& part, Samples* samples) {
  samples->insert(samples->end(), part.begin(), part.end());
}

Samples Noise(size_t count, int amplitude) {
  std::minstd_rand random(1);  // the same each time
  std::uniform_int_distribution<int> level(-amplitude, amplitude);
  Samples samples(count);
  for (int16_t& sample : samples) sample = static_cast<int16_t>(level(random));
  return samples;
}

// Returns where speech begins and ends in a recording, in seconds, by its energy alone: the first
// and the last 30 ms that are louder than a tenth of its loud parts.
std::pair<double, double> SpeechByEnergy(const Samples& samples) {
  constexpr size_t kFrame = kRate / 100;
  std::vector<double> levels;
  for (size_t begin = 0; begin + kFrame <= samples.size(); begin += kFrame) {
    double sum = 0;
    for (size_t i = begin; i < begin + kFrame; ++i) sum += double{1} * samples[i] * samples[i];
    levels.push_back(std::sqrt(sum / kFrame));
  }
  std::vector<double> sorted = levels;
  std::sort(sorted.begin(), sorted.end());
  const double limit = sorted[sorted.size() * 95 / 100] / 10;
  const auto loud = [&](size_t i) {
    return levels[i] > limit && levels[i + 1] > limit && levels[i + 2] > limit;
  };
  size_t first = 0;
  while (!loud(first)) ++first;
  size_t last = levels.size() - 3;
  while (!loud(last)) --last;
  return {static_cast<double>(first) / 100, static_cast<double>(last + 3) / 100};
}

TEST_F(RecognitionTest, HearsTheWordsOfTheBareLibrary) {
  Start();
  EXPECT_EQ(Hear(Recording(kGoForward)).text, "go forward ten meters");
  EXPECT_EQ(Hear(Recording(kClubs)).text, "ten of clubs");
  for (const char* name : {kGoForward, kClubs, "cards/005.wav", kYoungMan}) {
    const Samples samples = Recording(name);
    EXPECT_EQ(Hear(samples).text, BareHypothesis(samples)) << name;
  }
}

TEST_F(RecognitionTest, AWordHasItsPlaceAndAConfidence) {
  Start();
  const Heard heard = Hear(Recording(kGoForward));
  const auto words = nlohmann::json::parse(heard.words);
  ASSERT_EQ(words.size(), 4u);
  std::string joined;
  double last = 0;
  for (const auto& word : words) {
    EXPECT_EQ(word.size(), 4u);
    joined += (joined.empty() ? "" : " ") + word["word"].get<std::string>();
    EXPECT_GE(word["start"].get<double>(), last);
    EXPECT_GT(word["end"].get<double>(), word["start"].get<double>());
    last = word["end"].get<double>();
    EXPECT_GE(word["confidence"].get<double>(), 0);
    EXPECT_LE(word["confidence"].get<double>(), 1);
  }
  EXPECT_EQ(joined, heard.text) << "without fillers and (2)";
  EXPECT_THAT(heard.words, HasSubstr(R"([{"word":"go","start":0.46,"end":)"));
  EXPECT_GT(heard.confidence, 0.3F);
  EXPECT_LE(heard.confidence, 1);
}

TEST_F(RecognitionTest, TimesCountFromTheStartOfTheSegmentWithItsSilence) {
  Start();
  const Samples clubs = Recording(kClubs);
  const auto [begin, end] = SpeechByEnergy(clubs);
  Samples samples(3 * kRate);
  Append(clubs, &samples);
  Append(Samples(3 * kRate), &samples);
  const double second = static_cast<double>(samples.size()) / kRate;
  Append(clubs, &samples);
  const Heard heard = Hear(samples);
  const auto words = nlohmann::json::parse(heard.words);
  std::vector<double> starts;
  std::vector<double> ends;
  for (const auto& word : words) {
    starts.push_back(word["start"].get<double>());
    ends.push_back(word["end"].get<double>());
  }
  ASSERT_EQ(heard.text, "ten of clubs ten of clubs");
  EXPECT_NEAR(starts[0], 3 + begin, 0.05);
  EXPECT_NEAR(ends[2], 3 + end, 0.05);
  EXPECT_NEAR(starts[3], second + begin, 0.05);
  EXPECT_NEAR(ends[5], second + end, 0.05);
}

TEST_F(RecognitionTest, TheAnswerIsTheSameWhateverCameBefore) {
  Start();
  const Samples go = Recording(kGoForward);
  const Heard first = Hear(go);
  Hear(Recording(kYoungMan));
  EXPECT_EQ(Hear(go), first);
  Hear(Noise(2 * kRate, 20'000));
  EXPECT_EQ(Hear(go), first);
  Hear(Samples(700, 1000));
  EXPECT_FALSE(HearRows({"odd"}).ok());
  EXPECT_EQ(Hear(go), first);
  const std::string row = FromElements<int16_t>(go);
  const std::string other = FromElements<int16_t>(Recording(kClubs));
  const auto rows = HearRows({row, other, row});
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->at(0), first);
  EXPECT_EQ(rows->at(1).text, "ten of clubs");
  EXPECT_EQ(rows->at(2), first);
  Start();
  EXPECT_EQ(Hear(go), first) << "in another host";
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(RecognitionTest, WhereNothingIsSaidThereIsNoText) {
  Start();
  const std::pair<const char*, Samples> cases[] = {
      {"nothing", {}},
      {"one sample", {7}},
      {"less than a frame", Samples(400, 1000)},
      {"one frame", Samples(410, 1000)},
      {"silence", Samples(3 * kRate, 0)},
      {"almost silence", Samples(3 * kRate, -1)},
      {"a constant", Samples(kRate, 32'767)},
      {"noise", Noise(3 * kRate, 3000)},
  };
  for (const auto& [name, samples] : cases) {
    const Heard heard = Hear(samples);
    EXPECT_EQ(heard.text, "") << name;
    EXPECT_EQ(heard.words, "[]") << name;
    EXPECT_EQ(heard.confidence, 0) << name;
  }
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(RecognitionTest, AnySamplesHaveAnAnswer) {
  Start();
  Samples clipped = Recording(kClubs);
  for (int16_t& sample : clipped) {
    sample = static_cast<int16_t>(std::clamp(sample * 100, -32'768, 32'767));
  }
  EXPECT_NE(Hear(clipped).text, "");
  Samples square(2 * kRate);
  for (size_t i = 0; i < square.size(); ++i) square[i] = i / 20 % 2 == 0 ? 32'767 : -32'768;
  Hear(square);
  Hear(Noise(2 * kRate, 32'767));
  Hear(Samples(2 * kRate, -32'768));
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(RecognitionTest, AudioThatCannotBeIsRefusedByName) {
  Start(Parameter("max_seconds", "2"));
  EXPECT_THAT(Refusal("abc"), HasSubstr("AUDIO has 3 bytes"));
  EXPECT_THAT(Refusal(std::string(2 * 2 * kRate + 2, '\0')),
              HasSubstr("AUDIO has 2.0 s of 16000 Hz; this model takes at most 2 s"));
  EXPECT_EQ(Hear(Samples(2 * kRate, 0)).text, "");
}

TEST_F(RecognitionTest, ARowThatTakesTooLongIsKilledAlone) {
  Start();
  Samples long_one;
  for (int i = 0; i < 10; ++i) Append(Recording(kYoungMan), &long_one);
  const absl::Status status =
      HearRows({FromElements<int16_t>(long_one)}, absl::Milliseconds(50)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_EQ(model_->lost_workers(), 1u);
  EXPECT_EQ(Hear(Recording(kClubs)).text, "ten of clubs");
}

}  // namespace
}  // namespace souvenir::compute
