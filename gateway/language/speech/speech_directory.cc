#include "gateway/language/speech/speech_directory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/language/language_tag.h"
#include "common/nearest.h"
#include "gateway/language/model_choice.h"
#include "gateway/language/speech/speech_tensors.h"

namespace souvenir::gateway {
namespace {

constexpr size_t kMostVoices = 1'000;  // of a model
constexpr size_t kMostListed = 60;     // in a message
constexpr size_t kMostNameBytes = 64;  // of a name in a message

bool HasInput(const CatalogModel& model, std::string_view name) {
  const auto is_it = [&](const auto& input) { return input.name() == name; };
  const auto& configured = model.known.config().input();
  const auto& described = model.known.metadata().inputs();
  return std::any_of(configured.begin(), configured.end(), is_it) ||
         std::any_of(described.begin(), described.end(), is_it);
}

bool IsBroken(const TargetPtr& target) { return target->model().known.state() == "UNAVAILABLE"; }

// Returns true if `tag` is `range` or has it as its first subtags: "en-GB" is in "en".
bool IsWithin(std::string_view tag, std::string_view range) {
  return tag.substr(0, range.size()) == range &&
         (tag.size() == range.size() || tag[range.size()] == '-');
}

// Returns "en" for "en-GB".
std::string_view BaseOf(std::string_view tag) { return tag.substr(0, tag.find('-')); }

absl::StatusOr<TargetPtr> FirstOf(const std::vector<TargetPtr>& targets, std::string_view task) {
  const TargetPtr* const chosen = ChooseModel(
      targets, /*engine=*/"", [](const TargetPtr& target) -> const TargetPtr& { return target; });
  if (chosen != nullptr) return *chosen;
  return absl::NotFoundError(
      fmt::format("there is no model with the task '{}' (docs/speech.md)", task));
}

std::string WithEngine(std::string_view engine) {
  return engine.empty() ? "" : fmt::format(" with the engine '{}'", engine);
}

// Returns "there is a, b and 3 more".
std::string ListOf(const std::vector<std::string>& names, std::string_view none) {
  if (names.empty()) return std::string(none);
  const size_t listed = std::min(names.size(), kMostListed);
  std::string text = fmt::format(
      "there is {}", fmt::join(names.begin(), names.begin() + static_cast<long>(listed), ", "));
  if (listed < names.size()) text += fmt::format(" and {} more", names.size() - listed);
  return text;
}

template <typename Map>
std::vector<std::string> KeysOf(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, values] : map) keys.push_back(key);
  return keys;
}

const TargetPtr& TargetOf(const Recognizer& recognizer) { return recognizer.target; }
const TargetPtr& TargetOf(const Voice& voice) { return voice.target; }

// Returns the element of `map` that serves `language`, or null.
template <typename Map>
auto FindExactly(const Map& map, std::string_view language, std::string_view engine)
    -> decltype(map.begin()->second.data()) {
  const auto found = map.find(language);
  if (found == map.end()) return nullptr;
  return ChooseModel(found->second, engine,
                     [](const auto& candidate) -> const TargetPtr& { return TargetOf(candidate); });
}

}  // namespace

SpeechDirectory::SpeechDirectory(const CatalogSnapshot& catalog) {
  ForEachModelOf(catalog, kSegmentationTask,
                 [&](const TargetPtr& target) { segmenters_.push_back(target); });
  ForEachModelOf(catalog, kEncodingTask,
                 [&](const TargetPtr& target) { encoders_.push_back(target); });
  ForEachModelOf(catalog, kTranscriptionTask,
                 [&](const TargetPtr& target) { AddRecognizers(target); });
  ForEachModelOf(catalog, kSynthesisTask, [&](const TargetPtr& target) { AddVoices(target); });
  for (const auto& [language, voices] : voices_) {
    for (const Voice& voice : voices) voices_by_name_[voice.name].push_back(&voice);
    const std::string base(BaseOf(language));
    const std::string likely = WithLikelyRegion(base);
    if (!voices_.contains(base) && voices_.contains(likely)) regional_[base] = likely;
  }
}

void SpeechDirectory::AddRecognizers(const TargetPtr& target) {
  const bool takes_language = HasInput(target->model(), kLanguageTensor);
  for (const absl::string_view tag :
       absl::StrSplit(target->model().parameter("languages"), ',', absl::SkipWhitespace())) {
    const absl::string_view trimmed = absl::StripAsciiWhitespace(tag);
    const std::optional<std::string> language =
        CanonicalLanguageTag({trimmed.data(), trimmed.size()});
    // A foreign server may have other ideas of what a language is.
    if (language) recognizers_[*language].push_back({target, *language, takes_language});
  }
}

void SpeechDirectory::AddVoices(const TargetPtr& target) {
  const nlohmann::json voices = nlohmann::json::parse(target->model().parameter("voices"), nullptr,
                                                      /*allow_exceptions=*/false);
  if (!voices.is_array() || voices.size() > kMostVoices) return;
  const auto text = [](const nlohmann::json& voice, const char* name) {
    const auto found = voice.find(name);
    return found != voice.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  for (const nlohmann::json& voice : voices) {
    if (!voice.is_object()) continue;
    const std::optional<std::string> language = CanonicalLanguageTag(text(voice, "language"));
    std::string name = text(voice, "name");
    if (!language || name.empty()) continue;
    voices_[*language].push_back({target, std::move(name), *language, text(voice, "description")});
  }
}

absl::StatusOr<TargetPtr> SpeechDirectory::Segmenter() const {
  return FirstOf(segmenters_, kSegmentationTask);
}

absl::StatusOr<TargetPtr> SpeechDirectory::Encoder() const {
  return FirstOf(encoders_, kEncodingTask);
}

absl::StatusOr<const Recognizer*> SpeechDirectory::FindRecognizer(std::string_view language,
                                                                  std::string_view engine) const {
  for (std::string_view tag = language; !tag.empty(); tag = WithoutLastSubtag(tag)) {
    if (const Recognizer* const found = FindExactly(recognizers_, tag, engine)) return found;
  }
  if (const Recognizer* const found = FindExactly(recognizers_, kDetectedLanguage, engine)) {
    if (language.empty() || found->takes_language) return found;
  }
  const std::string list =
      ListOf(KeysOf(recognizers_), "there is no model that recognises speech at all");
  if (language.empty()) {
    return absl::NotFoundError(
        fmt::format("no language came, and nothing detects the language of speech{}; {}",
                    WithEngine(engine), list));
  }
  return absl::NotFoundError(
      fmt::format("nothing recognises speech in '{}'{}; {}", language, WithEngine(engine), list));
}

absl::StatusOr<const Voice*> SpeechDirectory::FindVoice(std::string_view voice,
                                                        std::string_view language,
                                                        std::string_view engine) const {
  if (!voice.empty()) return FindVoiceByName(voice, language, engine);
  for (std::string_view tag = language; !tag.empty(); tag = WithoutLastSubtag(tag)) {
    if (const Voice* const found = FindExactly(voices_, tag, engine)) return found;
  }
  if (const auto regional = regional_.find(BaseOf(language)); regional != regional_.end()) {
    if (const Voice* const found = FindExactly(voices_, regional->second, engine)) return found;
  }
  for (const auto& [of, voices] : voices_) {
    if (!IsWithin(of, BaseOf(language))) continue;
    if (const Voice* const found = FindExactly(voices_, of, engine)) return found;
  }
  return absl::NotFoundError(
      fmt::format("no voice speaks '{}'{}; {}", language, WithEngine(engine),
                  ListOf(KeysOf(voices_), "there is no model that speaks at all")));
}

absl::StatusOr<const Voice*> SpeechDirectory::FindVoiceByName(std::string_view name,
                                                              std::string_view language,
                                                              std::string_view engine) const {
  const auto named = voices_by_name_.find(name);
  const Voice* const* found = nullptr;
  if (named != voices_by_name_.end()) {
    found = ChooseModel(named->second, engine,
                        [](const Voice* voice) -> const TargetPtr& { return voice->target; });
  }
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const auto& [known, voices] : voices_by_name_) names.emplace_back(known);
    const std::string nearest = Nearest(name.substr(0, kMostNameBytes), names);
    return absl::NotFoundError(fmt::format(
        "there is no voice '{}'{}{}; ListVoices lists them", name.substr(0, kMostNameBytes),
        WithEngine(engine), nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest)));
  }
  const Voice& voice = **found;
  if (!language.empty() && !IsWithin(voice.language, language) &&
      !IsWithin(language, voice.language)) {
    return absl::InvalidArgumentError(fmt::format("the voice '{}' speaks '{}', and not '{}'",
                                                  voice.name, voice.language, language));
  }
  return *found;
}

std::vector<const Recognizer*> SpeechDirectory::Recognizers() const {
  std::vector<const Recognizer*> offered;
  for (const auto& [language, recognizers] : recognizers_) {
    for (const Recognizer& recognizer : recognizers) {
      if (!IsBroken(recognizer.target)) offered.push_back(&recognizer);
    }
  }
  return offered;
}

std::vector<const Voice*> SpeechDirectory::Voices(std::string_view language) const {
  std::vector<const Voice*> offered;
  for (const auto& [of, voices] : voices_) {
    if (!language.empty() && !IsWithin(of, language)) continue;
    for (const Voice& voice : voices) {
      if (!IsBroken(voice.target)) offered.push_back(&voice);
    }
  }
  return offered;
}

}  // namespace souvenir::gateway
