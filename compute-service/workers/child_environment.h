#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace souvenir::compute {

// The variables that every child process inherits where the service has them, beside those that its
// options name. docs/operations.md lists them. A name that ends in `*` stands for all that begin
// so.
absl::Span<const char* const> InheritedVariables();

// The environment of a child process: `own`, "NAME=value" each, and of the service's `environment`
// the variables that InheritedVariables() or `inherit` name. Where `own` has a name, its value
// counts alone. Each name occurs once.
std::vector<std::string> ChildEnvironment(absl::Span<const std::string> own,
                                          absl::Span<const std::string> inherit,
                                          const char* const* environment);

// `value`, and behind a colon the value that `environment` has for `name`, if that is not empty:
// for search paths in which the child's own part is to win.
std::string BeforeInheritedPath(const std::string& name, const std::string& value,
                                const char* const* environment);

// INVALID_ARGUMENT where `name` is no name of a variable: letters, digits and `_`, and `*` as the
// last character at most.
absl::Status CheckVariableName(const std::string& name);

}  // namespace souvenir::compute
