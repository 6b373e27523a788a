#pragma once

namespace souvenir::compute {

// If true, `new` returns zeroed memory, in this process and in those forked from it. The variants
// of `new` that align or do not throw, and those of a sanitizer, ignore it. Zeroing costs a tenth
// of the engine's time, so only a stage that needs it sets this. Not thread-safe.
inline bool new_hands_out_zeros = false;

}  // namespace souvenir::compute
