#include "gateway/language/speech/speech_tensors.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "common/tensor/tensor_codec.h"

namespace souvenir::gateway {
namespace {

constexpr size_t kMostWords = 100'000;  // of one segment

// Reads the outputs of one answer.
class AnswerReader {
 public:
  static absl::StatusOr<AnswerReader> Of(const cache::Entry& entry) {
    SOUVENIR_ASSIGN_OR_RETURN(DecodedTensors outputs, DecodedTensors::Decode(entry.value()));
    return AnswerReader(entry, std::move(outputs));
  }

  absl::Status Error(std::string_view what) const {
    return absl::InternalError(
        fmt::format("the answer of model '{}' {}", entry_->origin().model(), what));
  }

  bool Has(std::string_view name) const { return outputs_.Find(name).has_value(); }

  // Returns the elements of a BYTES output.
  absl::StatusOr<std::vector<std::string_view>> Elements(std::string_view name) const {
    const std::optional<TensorView> output = outputs_.Find(name);
    if (!output || output->datatype != DataType::kBytes) {
      return Error(fmt::format("has no BYTES output '{}'", name));
    }
    BytesElementReader reader(output->data);
    std::vector<std::string_view> elements;
    while (const std::optional<std::string_view> element = reader.Next()) {
      elements.push_back(*element);
    }
    if (!reader.complete()) return Error(fmt::format("has a broken output '{}'", name));
    return elements;
  }

  absl::StatusOr<std::string_view> Element(std::string_view name) const {
    SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string_view> elements, Elements(name));
    if (elements.size() != 1) {
      return Error(
          fmt::format("has {} elements in '{}', where 1 is expected", elements.size(), name));
    }
    return elements[0];
  }

  // Returns the numbers of an output. `T` is the type of its datatype.
  template <typename T>
  absl::StatusOr<std::vector<T>> Numbers(std::string_view name, DataType datatype) const {
    const std::optional<TensorView> output = outputs_.Find(name);
    if (!output || output->datatype != datatype || output->data.size() % sizeof(T) != 0) {
      return Error(fmt::format("has no {} output '{}'", DataTypeName(datatype), name));
    }
    return ToElements<T>(output->data);
  }

  template <typename T>
  absl::StatusOr<T> Number(std::string_view name, DataType datatype) const {
    SOUVENIR_ASSIGN_OR_RETURN(const std::vector<T> numbers, Numbers<T>(name, datatype));
    if (numbers.size() != 1) {
      return Error(
          fmt::format("has {} numbers in '{}', where 1 is expected", numbers.size(), name));
    }
    return numbers[0];
  }

 private:
  AnswerReader(const cache::Entry& entry, DecodedTensors outputs)
      : entry_(&entry), outputs_(std::move(outputs)) {}

  const cache::Entry* entry_;
  DecodedTensors outputs_;
};

bool IsShare(double number) { return std::isfinite(number) && number >= 0 && number <= 1; }

// Reads the JSON array of words; see docs/speech.md.
absl::StatusOr<std::vector<Recognition::Word>> ReadWords(const AnswerReader& answer,
                                                         std::string_view text) {
  std::vector<Recognition::Word> words;
  if (text.empty()) return words;
  const auto wrong = [&] {
    return answer.Error(
        "has no array of words in 'WORDS'; expected is "
        R"([{"word": "one", "start": 0.1, "end": 0.4, "confidence": 0.9}], with times in order)");
  };
  const nlohmann::json array = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!array.is_array() || array.size() > kMostWords) return wrong();
  double before = 0;
  for (const nlohmann::json& item : array) {
    if (!item.is_object()) return wrong();
    const auto word = item.find("word");
    const auto start = item.find("start");
    const auto end = item.find("end");
    if (word == item.end() || !word->is_string() || start == item.end() || !start->is_number() ||
        end == item.end() || !end->is_number()) {
      return wrong();
    }
    const double from = start->get<double>();
    const double to = end->get<double>();
    if (!std::isfinite(from) || !std::isfinite(to) || from < before || to < from) return wrong();
    before = from;
    Recognition::Word& read = words.emplace_back();
    read.word = word->get<std::string>();
    read.start = absl::Seconds(from);
    read.end = absl::Seconds(to);
    if (const auto confidence = item.find("confidence"); confidence != item.end()) {
      if (!confidence->is_number() || !IsShare(confidence->get<double>())) return wrong();
      read.confidence = confidence->get<float>();
    }
  }
  return words;
}

}  // namespace

absl::StatusOr<Segmentation> ReadSegmentation(const cache::Entry& entry) {
  SOUVENIR_ASSIGN_OR_RETURN(const AnswerReader answer, AnswerReader::Of(entry));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string_view> pcm, answer.Elements(kPcmTensor));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<int64_t> starts,
                            answer.Numbers<int64_t>("START", DataType::kInt64));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<int64_t> ends,
                            answer.Numbers<int64_t>("END", DataType::kInt64));
  Segmentation segmentation;
  SOUVENIR_ASSIGN_OR_RETURN(segmentation.samples,
                            answer.Number<int64_t>("DURATION", DataType::kInt64));
  if (starts.size() != pcm.size() || ends.size() != pcm.size()) {
    return answer.Error("does not have as many times as segments");
  }
  int64_t before = 0;
  for (size_t i = 0; i < pcm.size(); ++i) {
    const bool fits = starts[i] >= before && ends[i] > starts[i] &&
                      ends[i] <= segmentation.samples &&
                      pcm[i].size() == static_cast<size_t>(ends[i] - starts[i]) * sizeof(int16_t);
    if (!fits) return answer.Error(fmt::format("has a segment {} that does not fit its times", i));
    before = ends[i];
    // The length precedes the element.
    segmentation.segments.push_back(
        {starts[i], ends[i],
         std::string_view(pcm[i].data() - kBytesLengthSize, pcm[i].size() + kBytesLengthSize)});
  }
  return segmentation;
}

absl::StatusOr<Recognition> ReadRecognition(const cache::Entry& entry) {
  SOUVENIR_ASSIGN_OR_RETURN(const AnswerReader answer, AnswerReader::Of(entry));
  Recognition recognition;
  SOUVENIR_ASSIGN_OR_RETURN(recognition.text, answer.Element(kTextTensor));
  if (answer.Has("WORDS")) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::string_view words, answer.Element("WORDS"));
    SOUVENIR_ASSIGN_OR_RETURN(recognition.words, ReadWords(answer, words));
  }
  if (answer.Has("CONFIDENCE")) {
    SOUVENIR_ASSIGN_OR_RETURN(const float confidence,
                              answer.Number<float>("CONFIDENCE", DataType::kFp32));
    if (!IsShare(confidence)) return answer.Error("has a CONFIDENCE that is not from 0 to 1");
    recognition.confidence = confidence;
  }
  if (answer.Has(kLanguageTensor)) {
    SOUVENIR_ASSIGN_OR_RETURN(recognition.language, answer.Element(kLanguageTensor));
  }
  return recognition;
}

absl::StatusOr<SpokenText> ReadSpokenText(const cache::Entry& entry) {
  SOUVENIR_ASSIGN_OR_RETURN(const AnswerReader answer, AnswerReader::Of(entry));
  SpokenText spoken;
  SOUVENIR_ASSIGN_OR_RETURN(spoken.pcm, answer.Element(kAudioTensor));
  SOUVENIR_ASSIGN_OR_RETURN(spoken.sample_rate,
                            answer.Number<int32_t>(kSampleRateTensor, DataType::kInt32));
  if (spoken.sample_rate < 1'000 || spoken.sample_rate > 192'000) {
    return answer.Error(
        fmt::format("has SAMPLE_RATE {}; expected is 1,000 to 192,000", spoken.sample_rate));
  }
  if (spoken.pcm.size() % sizeof(int16_t) != 0) return answer.Error("ends within a sample");
  return spoken;
}

absl::StatusOr<std::string_view> ReadEncodedAudio(const cache::Entry& entry) {
  SOUVENIR_ASSIGN_OR_RETURN(const AnswerReader answer, AnswerReader::Of(entry));
  return answer.Element(kAudioTensor);
}

}  // namespace souvenir::gateway
