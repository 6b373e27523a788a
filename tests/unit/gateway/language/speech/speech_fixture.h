#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/oip/message_tensors.h"
#include "common/tensor/bytes_elements.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/resolve/resolver.h"
#include "tests/fakes/fake_upstream.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/manual_executor.h"

namespace souvenir::gateway {

struct TensorName {
  std::string name;
  std::string datatype = "BYTES";
};

// Returns a model for speech as compute would describe it, cached.
inline souvenir::state::v1::KnownModel SpeechModel(const std::string& name, const std::string& task,
                                                   bool by_rows,
                                                   const std::vector<TensorName>& inputs,
                                                   const std::vector<TensorName>& outputs) {
  souvenir::state::v1::KnownModel model;
  model.set_name(name);
  model.set_version("1");
  model.set_state("READY");
  auto* const metadata = model.mutable_metadata();
  metadata->set_name(name);
  metadata->add_versions(std::string("1"));
  const auto add = [by_rows](const TensorName& tensor, auto* declared) {
    declared->set_name(tensor.name);
    declared->set_datatype(tensor.datatype);
    declared->add_shape(-1);
    if (by_rows) declared->add_shape(1);
  };
  for (const TensorName& input : inputs) add(input, metadata->add_inputs());
  for (const TensorName& output : outputs) add(output, metadata->add_outputs());
  (*metadata->mutable_properties())["souvenir.digest"] = "digest-of-" + name;
  auto* const config = model.mutable_config();
  config->set_name(name);
  config->set_max_batch_size(by_rows ? 4 : 0);
  config->mutable_response_cache()->set_enable(true);
  auto& parameters = *config->mutable_parameters();
  parameters["task"].set_string_value(task);
  if (by_rows) parameters["row_exact"].set_string_value("true");
  return model;
}

inline void SetParameter(const std::string& name, const std::string& value,
                         souvenir::state::v1::KnownModel* model) {
  (*model->mutable_config()->mutable_parameters())[name].set_string_value(value);
}

// A gateway's parts before models for speech that are played by the test: a recording is "ab|cd",
// which has the segments "ab" and "cd"; a recogniser hears "<ab>"; a voice speaks the bytes of the
// text; an encoder puts the name of the container in front.
class SpeechTest : public testing::Test {
 protected:
  SpeechTest() {
    souvenir::state::v1::KnownModels models;
    *models.add_models() =
        SpeechModel("audio-segments", "segmentation", /*by_rows=*/false, {{"AUDIO"}, {"FORMAT"}},
                    {{"PCM"}, {"START", "INT64"}, {"END", "INT64"}, {"DURATION", "INT64"}});
    *models.add_models() =
        SpeechModel("audio-encode", "encoding", /*by_rows=*/true,
                    {{"PCM"}, {"SAMPLE_RATE", "INT32"}, {"CONTAINER"}}, {{"AUDIO"}});
    auto* const recogniser = models.add_models();
    *recogniser = SpeechModel("ears-en", "transcription", /*by_rows=*/true, {{"AUDIO"}},
                              {{"TEXT"}, {"WORDS"}, {"CONFIDENCE", "FP32"}});
    SetParameter("languages", "en", recogniser);
    auto* const speaker = models.add_models();
    *speaker = SpeechModel("mouth", "synthesis", /*by_rows=*/true,
                           {{"TEXT"}, {"VOICE"}, {"RATE", "FP32"}, {"PITCH", "FP32"}},
                           {{"AUDIO"}, {"SAMPLE_RATE", "INT32"}});
    SetParameter("voices",
                 R"([{"name": "ana", "language": "es", "description": "Ana"},
                     {"name": "ben", "language": "en-GB"}, {"name": "cy", "language": "en-US"}])",
                 speaker);
    catalog_.Update(models);
    speech_.OnCatalog(*catalog_.snapshot());
    upstream_.AnswerAllWith([this](const auto& request, auto* response) {
      ++asked_[request.model_name()];
      Play(request, response);
    });
  }
  ~SpeechTest() override { upstream_.FailAll(absl::CancelledError("the test is over")); }

  // Lets all that is under way come to its end.
  void Run() { executor_.RunAll(); }

  // Makes models answer only when the test calls upstream_.Answer().
  void Hold() { upstream_.AnswerAllWith(nullptr); }

  void Play(const inference::ModelInferRequest& request, inference::ModelInferResponse* response) {
    const auto parsed = MessageTensors::FromRequest(request);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    const auto input = [&](std::string_view name) {
      for (const TensorView& tensor : parsed->tensors()) {
        if (tensor.name == name) return tensor.data;
      }
      return std::string_view();
    };
    const std::string& model = request.model_name();
    (*response->mutable_parameters())["souvenir.digest"].set_string_param("digest-of-" + model);
    if (model == "audio-segments") return Cut(Element(input("AUDIO")), response);
    // The others work row by row.
    const std::array<int64_t, 2> shape = {parsed->tensors().front().shape[0], 1};
    if (model == "ears-en") {
      std::string text, words, confidence;
      BytesElementReader rows(input("AUDIO"));
      while (const auto row = rows.Next()) {
        AppendBytesElement(fmt::format("<{}>", *row), &text);
        AppendBytesElement(R"([{"word": "w", "start": 0.5, "end": 0.75, "confidence": 0.5}, )"
                           R"({"word": "v", "start": 0.75, "end": 1}])",
                           &words);
        Append(0.25F, &confidence);
      }
      AppendOutputs({{"TEXT", DataType::kBytes, shape, text},
                     {"WORDS", DataType::kBytes, shape, words},
                     {"CONFIDENCE", DataType::kFp32, shape, confidence}},
                    response);
    } else if (model == "mouth") {
      std::string rates;
      for (int64_t row = 0; row < shape[0]; ++row) Append(int32_t{22'050}, &rates);
      AppendOutputs({{"AUDIO", DataType::kBytes, shape, input("TEXT")},
                     {"SAMPLE_RATE", DataType::kInt32, shape, rates}},
                    response);
    } else {
      std::string files;
      BytesElementReader pcm(input("PCM"));
      BytesElementReader containers(input("CONTAINER"));
      while (const auto row = pcm.Next()) {
        AppendBytesElement(fmt::format("{}:{}", *containers.Next(), *row), &files);
      }
      AppendOutputs({{"AUDIO", DataType::kBytes, shape, files}}, response);
    }
  }

  int asked(const std::string& model) { return asked_[model]; }

  ManualClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  ManualExecutor executor_;
  FakeUpstream upstream_;
  Catalog catalog_{Catalog::Options{}};
  SpeechModels speech_{SpeechModels::Options{.max_text_bytes = 100, .max_message_bytes = 70'000},
                       &catalog_};
  std::unique_ptr<cache::TieredCache> cache_ =
      *cache::TieredCache::Create(cache::TieredCache::Options{});
  Resolver resolver_{Resolver::Options{}, Resolver::Parts{&clock_, &timers_, cache_.get(),
                                                          &executor_, &upstream_, &catalog_}};
  std::map<std::string, int> asked_;

 private:
  static std::string_view Element(std::string_view framed) {
    return *BytesElementReader(framed).Next();
  }

  template <typename T>
  static void Append(T number, std::string* bytes) {
    bytes->append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

  static void Cut(std::string_view recording, inference::ModelInferResponse* response) {
    std::string pcm, starts, ends, duration;
    int64_t at = 0, segments = 0;
    for (const std::string& part :
         std::vector<std::string>(absl::StrSplit(std::string(recording), '|'))) {
      const auto samples = static_cast<int64_t>(part.size() / sizeof(int16_t));
      // A second of silence comes before each segment.
      at += kSegmentRate;
      if (samples == 0) continue;
      AppendBytesElement(part, &pcm);
      Append(at, &starts);
      at += samples;
      Append(at, &ends);
      ++segments;
    }
    Append(at, &duration);
    const std::array<int64_t, 1> shape = {segments};
    static constexpr std::array<int64_t, 1> kOne = {1};
    AppendOutputs({{"PCM", DataType::kBytes, shape, pcm},
                   {"START", DataType::kInt64, shape, starts},
                   {"END", DataType::kInt64, shape, ends},
                   {"DURATION", DataType::kInt64, kOne, duration}},
                  response);
  }
};

}  // namespace souvenir::gateway
