#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir::compute {

// Returns the reason of an exception of libtorch, without traces, as one line of at most 500 bytes
// and "...". Returns "unknown" for an exception that is not a std::exception.
std::string ThrownLine(const std::exception_ptr& thrown);

// Returns the status for an exception of forward(). `model` is the model's name, for the message.
//
// The status is INVALID_ARGUMENT by default. Weights and code are the same in every call and
// forward() keeps no state, so the inputs decide if it throws, and the same inputs make it throw
// again. A shape that does not fit, an index out of range and an assertion of the model cannot be
// told apart, because the interpreter turns them all into one exception. The status is INTERNAL if
// memory or an operator of this build of libtorch is missing.
absl::Status ForwardError(const std::exception_ptr& thrown, std::string_view model);

}  // namespace souvenir::compute
