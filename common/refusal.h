#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// A refusal is an INVALID_ARGUMENT of a model for the content of a request. Its status may carry
// the digest of the model that refused, as an answer does. The digest travels with the status
// inside a service, and between compute and the gateway in trailing metadata (kDigestHeader). It is
// no part of the message.

// The longest digest that is taken from another server: twice the length of a SHA-256 in hex.
inline constexpr size_t kMaxDigestBytes = 128;

// Returns `status` with the digest of the model that refused. REQUIRES: `status` is an error.
absl::Status WithModelDigest(absl::Status status, std::string_view digest);

// Returns the digest of the model that refused; "" if `status` carries none.
std::string ModelDigestOf(const absl::Status& status);

}  // namespace souvenir
