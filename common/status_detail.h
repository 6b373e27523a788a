#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// The message of an error tells the caller what went wrong, in names of models and settings.
// Addresses and paths of the installation are the error's detail. The detail travels with the
// status inside a service, is logged with the request, and is never sent to a caller.

// Returns `status` with `detail`, in place of an earlier one. REQUIRES: `status` is an error.
absl::Status WithDetail(absl::Status status, std::string_view detail);

// Returns the detail of `status`; empty if there is none.
std::string DetailOf(const absl::Status& status);

// Returns the detail, or the message if there is none. For log lines without a request.
std::string Explanation(const absl::Status& status);

// Returns `message` with each absolute path cut to its last part: "cannot read
// /opt/models/m/1/a.pt" becomes "cannot read a.pt". A slash after a letter or before another slash
// begins no path: "and/or", "https://a/b".
std::string WithoutPaths(std::string_view message);

// Returns `status` with its message cut by WithoutPaths(). If that changes the message, the former
// message becomes the detail, unless there is a detail or `detail` is kDrop: a model's own message
// may contain a caller's text, which must not be logged. Returns OK for OK.
enum class Detail { kKeep, kDrop };
absl::Status WithoutPaths(const absl::Status& status, Detail detail);

}  // namespace souvenir
