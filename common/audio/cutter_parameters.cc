#include "common/audio/cutter_parameters.h"

#include <fmt/format.h>

#include <charconv>

#include "common/cut_text.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

constexpr size_t kMostShownBytes = 64;

#define SOUVENIR_CUTTER_PARAMETER(name, least, most, member)                            \
  {                                                                                     \
    name, least, most, [](SegmentCutter::Options* options) { return &options->member; } \
  }

// The cutter checks those of its options that depend on each other.
constexpr CutterParameter kParameters[] = {
    SOUVENIR_CUTTER_PARAMETER("vad_margin_db", 1, 60, voice.margin_db),
    SOUVENIR_CUTTER_PARAMETER("vad_release_db", 0, 60, voice.release_db),
    SOUVENIR_CUTTER_PARAMETER("vad_least_dbfs", -100, 0, voice.least_dbfs),
    SOUVENIR_CUTTER_PARAMETER("vad_noise_seconds", 1, 60, voice.noise_seconds),
    SOUVENIR_CUTTER_PARAMETER("min_speech_ms", 0, 5'000, min_speech_ms),
    SOUVENIR_CUTTER_PARAMETER("hangover_ms", 0, 2'000, hangover_ms),
    SOUVENIR_CUTTER_PARAMETER("min_gap_ms", 10, 10'000, min_gap_ms),
    SOUVENIR_CUTTER_PARAMETER("padding_before_ms", 0, 10'000, padding_before_ms),
    SOUVENIR_CUTTER_PARAMETER("padding_after_ms", 0, 10'000, padding_after_ms),
    SOUVENIR_CUTTER_PARAMETER("max_segment_ms", 1'000, 120'000, max_segment_ms),
    SOUVENIR_CUTTER_PARAMETER("cut_search_ms", 100, 60'000, cut_search_ms),
};

#undef SOUVENIR_CUTTER_PARAMETER

}  // namespace

absl::Span<const CutterParameter> CutterParameters() { return kParameters; }

absl::StatusOr<int64_t> ReadCutterNumber(std::string_view name, std::string_view text,
                                         int64_t least, int64_t most) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most) {
    return value;
  }
  return absl::InvalidArgumentError(
      fmt::format("parameter '{}' is '{}'; it must be a number from {} to {}", name,
                  Shortened(text, kMostShownBytes), least, most));
}

absl::StatusOr<SegmentCutter::Options> ReadCutterOptions(
    absl::FunctionRef<std::optional<std::string_view>(std::string_view name)> find) {
  SegmentCutter::Options options;
  for (const CutterParameter& parameter : kParameters) {
    const std::optional<std::string_view> text = find(parameter.name);
    if (!text) continue;
    SOUVENIR_ASSIGN_OR_RETURN(
        const int64_t value,
        ReadCutterNumber(parameter.name, *text, parameter.least, parameter.most));
    *parameter.place(&options) = static_cast<int>(value);
  }
  SOUVENIR_RETURN_IF_ERROR(SegmentCutter::Create(options).status());
  return options;
}

}  // namespace souvenir
