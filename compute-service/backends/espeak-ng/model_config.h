#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/espeak-ng/voices.h"

namespace souvenir::compute {

inline constexpr std::string_view kTextInput = "TEXT";
inline constexpr std::string_view kVoiceInput = "VOICE";
inline constexpr std::string_view kRateInput = "RATE";
inline constexpr std::string_view kPitchInput = "PITCH";
inline constexpr std::string_view kAudioOutput = "AUDIO";
inline constexpr std::string_view kSampleRateOutput = "SAMPLE_RATE";

// Settings of a completed configuration.
struct EspeakNgSettings {
  std::string data;            // path of a folder espeak-ng-data
  int64_t max_text_bytes = 0;  // longest text
  int64_t max_seconds = 0;     // longest speech
};

// Fills in the fields that the configuration leaves out: tensors, batch size, cache, task, data
// and limits; and the parameter `voices`, from the files of the data. Reads the settings of voices
// but no data of the engine. INVALID_ARGUMENT names a setting that is not supported;
// FAILED_PRECONDITION says that there are no voices, and what to install.
absl::Status CompleteEspeakNgConfig(inference::ModelConfig* config);

// Reads the settings of a completed configuration. INVALID_ARGUMENT if it is not complete.
absl::StatusOr<EspeakNgSettings> ReadEspeakNgSettings(const inference::ModelConfig& config);

// Same as ReadVoices(), with an error that names the package to install.
absl::StatusOr<std::vector<Voice>> InstalledVoices(const inference::ModelConfig& config,
                                                   const EspeakNgSettings& settings);

}  // namespace souvenir::compute
