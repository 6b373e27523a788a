#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace souvenir::compute {

// Returns the variables that every child process inherits if the service has them, beside those
// that its options name. docs/operations.md lists them. A name that ends in `*` stands for all
// names that begin so.
absl::Span<const char* const> InheritedVariables();

// Returns the environment of a child process: `own`, as "NAME=value", and those variables of the
// service's `environment` that InheritedVariables() or `inherit` name. If `own` has a name, its
// value wins. Each name occurs once.
std::vector<std::string> ChildEnvironment(absl::Span<const std::string> own,
                                          absl::Span<const std::string> inherit,
                                          const char* const* environment);

// Returns `value` and, after a colon, the value of `name` in `environment`, unless that is absent
// or empty. For search paths in which the child's own part must come first.
std::string BeforeInheritedPath(const std::string& name, const std::string& value,
                                const char* const* environment);

// INVALID_ARGUMENT if `name` is not the name of a variable: letters, digits and `_`, not beginning
// with a digit, with an optional `*` at the end.
absl::Status CheckVariableName(const std::string& name);

}  // namespace souvenir::compute
