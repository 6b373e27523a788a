#pragma once

#include "absl/status/statusor.h"

namespace souvenir::compute {

// Returns the engine's rate in words per minute for RATE, of which 1 is the engine's normal 175.
// INVALID_ARGUMENT below 80 and above 450 words per minute, the range that the engine supports, and
// for NaN; the message has the limits of RATE.
absl::StatusOr<int> WordsPerMinute(float rate);

// Returns the engine's pitch, 0 to 99, for PITCH in semitones above the voice's own, which is 50.
//
// The engine multiplies the base of the voice by table[pitch] / 128 (pitch_adjust_tab in its
// wavegen.c, which is exponential), but not the melody above the base. The median of the
// fundamental frequency therefore moves less: as measured with five voices and two texts, about by
// (table[pitch] / 128 + 0.55) / 1.55. That is the formula here. A text differs from it by up to one
// semitone upwards and two downwards. INVALID_ARGUMENT beyond -6.5 and 8 semitones, where the table
// ends, and for NaN.
absl::StatusOr<int> EnginePitch(float semitones);

}  // namespace souvenir::compute
