#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

inline constexpr std::string_view kAudioInput = "AUDIO";
inline constexpr std::string_view kTextOutput = "TEXT";
inline constexpr std::string_view kWordsOutput = "WORDS";
inline constexpr std::string_view kConfidenceOutput = "CONFIDENCE";

// The sample rate of AUDIO. Acoustic models for another rate are refused.
inline constexpr int kSamplesPerSecond = 16'000;

// Settings of a completed configuration.
struct PocketsphinxSettings {
  std::string acoustic_model;  // path of a folder
  std::string language_model;  // path of a file
  std::string dictionary;      // path of a file
  int64_t max_seconds = 0;     // longest utterance
};

// Fills in the fields that the configuration leaves out: tensors, batch size, cache, task,
// language, files and limits. Needs no file. INVALID_ARGUMENT names a setting that the engine does
// not support.
absl::Status CompletePocketsphinxConfig(ModelDescription* description);

// Reads the settings of a completed configuration. Paths that are not absolute are below the
// version's folder. INVALID_ARGUMENT if the configuration is not complete.
absl::StatusOr<PocketsphinxSettings> ReadPocketsphinxSettings(const ModelDescription& description);

// Returns the paths of all files of the model, sorted: those of the acoustic model's folder, the
// language model and the dictionary. FAILED_PRECONDITION names one that cannot be read, and the
// package that has the English ones.
absl::StatusOr<std::vector<std::string>> PocketsphinxFiles(std::string_view model,
                                                           const PocketsphinxSettings& settings);

}  // namespace souvenir::compute
