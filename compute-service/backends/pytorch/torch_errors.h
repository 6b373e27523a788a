#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir::compute {

// What libtorch threw, as one line of bounded length: the reason, without the traces that it puts
// around it. "unknown" for what is no std::exception.
std::string ThrownLine(const std::exception_ptr& thrown);

// What forward() threw, as a status.
//
// INVALID_ARGUMENT by default: weights and code are the same in every call and forward() keeps no
// state, so that inputs decide whether it throws, and the same ones make it throw again. Shapes
// that do not fit, an index that is out of range and an assertion of the model look alike here: the
// interpreter turns them all into one exception. INTERNAL where that does not hold: no memory, or
// an operator that this build of libtorch does not have.
absl::Status ForwardError(const std::exception_ptr& thrown, std::string_view model);

}  // namespace souvenir::compute
