#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/audio/segment_cutter.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// The two kinds of model of this engine, as the parameter `task` names them.
enum class AudioTask {
  kSegmentation,  // a recording to segments of speech
  kEncoding,      // samples to a file
};

// Settings of a completed configuration.
struct AudioSettings {
  AudioTask task = AudioTask::kSegmentation;
  // The fields below are for segmentation alone.
  SegmentCutter::Options cutter;
  int64_t max_seconds = 7'200;   // longest recording
  int64_t max_answer_bytes = 0;  // of the outputs of one request, together
};

// Fills in the tensors, the batch size and every parameter that answers depend on, so that all of
// them are part of the digest. `max_answer_bytes` is the default of the parameter of that name.
// INVALID_ARGUMENT names a setting at fault.
absl::Status CompleteAudioConfig(int64_t max_answer_bytes, inference::ModelConfig* config);

// Reads the settings of a completed configuration. INVALID_ARGUMENT if it is not complete or a
// setting is out of its range.
absl::StatusOr<AudioSettings> ReadAudioSettings(const inference::ModelConfig& config);

}  // namespace souvenir::compute
