#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/target.h"

namespace souvenir::gateway {

// The language of a recogniser that finds the language out.
inline constexpr std::string_view kDetectedLanguage = "und";

// A model that recognises speech of one language.
struct Recognizer {
  TargetPtr target;
  std::string language;         // canonical BCP-47, or kDetectedLanguage
  bool takes_language = false;  // the model has an input for the language
};

struct Voice {
  TargetPtr target;
  std::string name;
  std::string language;     // canonical BCP-47
  std::string description;  // for people; may be empty
};

// The models for speech at one moment, by their parameter `task`. Immutable.
class SpeechDirectory {
 public:
  explicit SpeechDirectory(const CatalogSnapshot& catalog);
  SpeechDirectory(const SpeechDirectory&) = delete;
  SpeechDirectory& operator=(const SpeechDirectory&) = delete;

  // Return the model that cuts recordings into segments, or writes audio files. NOT_FOUND if there
  // is none.
  absl::StatusOr<TargetPtr> Segmenter() const;
  absl::StatusOr<TargetPtr> Encoder() const;

  // Returns the model to ask for `language`, canonical BCP-47, or "" for one that detects the
  // language. Without a model for "en-GB", one for "en" is used (the lookup of RFC 4647, section
  // 3.4), and then one that takes any language. NOT_FOUND lists the languages that there are.
  absl::StatusOr<const Recognizer*> FindRecognizer(std::string_view language,
                                                   std::string_view engine) const;

  // Returns the voice called `voice` or, if that is "", the first voice for `language`. If no voice
  // is of "en" itself, "en" takes one of "en-US", the region in which it is most likely spoken, or
  // else one of another region. If both are given, the voice must speak the language. NOT_FOUND
  // lists what there is. REQUIRES: one of them is not "".
  absl::StatusOr<const Voice*> FindVoice(std::string_view voice, std::string_view language,
                                         std::string_view engine) const;

  // Return what can be offered, sorted by language. Models that are broken are left out.
  std::vector<const Recognizer*> Recognizers() const;
  // `language` is canonical BCP-47 and stands for its regions, too; "" means all.
  std::vector<const Voice*> Voices(std::string_view language) const;

 private:
  template <typename T>
  using ByLanguage = std::map<std::string, std::vector<T>, std::less<>>;

  void AddRecognizers(const TargetPtr& target);
  void AddVoices(const TargetPtr& target);
  absl::StatusOr<const Voice*> FindVoiceByName(std::string_view name, std::string_view language,
                                               std::string_view engine) const;

  std::vector<TargetPtr> segmenters_;
  std::vector<TargetPtr> encoders_;
  ByLanguage<Recognizer> recognizers_;
  ByLanguage<Voice> voices_;
  // The language with a region that speaks for one without, such as "en-US" for "en".
  std::map<std::string, std::string, std::less<>> regional_;
  std::map<std::string_view, std::vector<const Voice*>> voices_by_name_;
};

}  // namespace souvenir::gateway
