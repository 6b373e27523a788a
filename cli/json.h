#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace google::protobuf {
class Message;
}

namespace souvenir::cli {

// Returns `message` as JSON in one line, by protobuf's rules, with the names of the .proto files
// and every field, empty or not. JSON escapes the characters that a terminal would obey.
std::string ToJson(const google::protobuf::Message& message);

// Parses all JSON that a person writes. INVALID_ARGUMENT for text that is not JSON, with its line
// and column, for a number that no double can be, and for a key that comes twice in one object. The
// message begins with `where`, which names the input.
absl::StatusOr<nlohmann::json> ParseJson(const std::string& text, const std::string& where);

}  // namespace souvenir::cli
