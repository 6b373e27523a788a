#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/audio/segment_cutter.h"

namespace souvenir {

// A parameter of models for segmentation that sets an option of the cutter
// (docs/backends/audio.md).
struct CutterParameter {
  std::string_view name;
  int64_t least;
  int64_t most;
  int* (*place)(SegmentCutter::Options* options);
};

// Returns all of them, in the order in which they are documented.
absl::Span<const CutterParameter> CutterParameters();

// Reads the number that a parameter of a model for segmentation must be. INVALID_ARGUMENT names the
// parameter, what came and the range.
absl::StatusOr<int64_t> ReadCutterNumber(std::string_view name, std::string_view text,
                                         int64_t least, int64_t most);

// Reads the options. `find` returns the text of a parameter, or nothing if it is absent; then the
// default holds. INVALID_ARGUMENT as above, also if the options do not fit together.
absl::StatusOr<SegmentCutter::Options> ReadCutterOptions(
    absl::FunctionRef<std::optional<std::string_view>(std::string_view name)> find);

}  // namespace souvenir
