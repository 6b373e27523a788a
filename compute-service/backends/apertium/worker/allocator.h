#pragma once

namespace souvenir::compute {

// Whether `new`, but for the variants that align or do not throw, hands out zeros in this process
// and those forked from it; a sanitizer's takes no notice. It costs a tenth of the engine's time,
// and so is for who needs it. Not thread-safe.
inline bool new_hands_out_zeros = false;

}  // namespace souvenir::compute
