#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// An error says to a caller what went wrong, by the names of models and settings. Addresses and
// paths of the installation are a detail of it: it travels with the status inside of a service, is
// written to the log with the request that it belongs to, and is never sent.

// `status` with that detail in place of one it has. REQUIRES: an error.
absl::Status WithDetail(absl::Status status, std::string_view detail);

// Its detail; empty where it has none.
std::string DetailOf(const absl::Status& status);

// For logs that are about no request: the detail, or the message where there is none.
std::string Explanation(const absl::Status& status);

// `message` with each absolute path in it cut to its last part: "cannot read /opt/models/m/1/a.pt"
// is "cannot read a.pt". What follows a letter or a second slash is no such path: "and/or",
// "https://a/b".
std::string WithoutPaths(std::string_view message);

// `status` with such a message. Where that differs, the former message becomes the detail, unless
// there is one, or it is to be dropped: a model's own words may hold what a caller sent, which no
// log has. OK stays OK.
enum class Detail { kKeep, kDrop };
absl::Status WithoutPaths(const absl::Status& status, Detail detail);

}  // namespace souvenir
