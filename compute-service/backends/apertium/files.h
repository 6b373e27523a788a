#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace souvenir::compute {

// The bytes of a file. NOT_FOUND, PERMISSION_DENIED or INTERNAL, with the path.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace souvenir::compute
