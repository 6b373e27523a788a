#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace souvenir {

// Reads protobuf text format from `path` into `message`, whose fields it replaces.
// Errors of ReadFile() where the file cannot be read or has more than 64 MiB. INVALID_ARGUMENT, as
// "path:line:column: reason", for a syntax error, an unknown field, a field or a map key given
// twice.
absl::Status ReadTextProto(const std::string& path, google::protobuf::Message* message);

// The same from memory; `name` stands for the path in messages.
absl::Status ParseTextProto(std::string_view text, std::string_view name,
                            google::protobuf::Message* message);

// Writes `message` to `path` as text, whole or not at all: by way of a temporary file beside it,
// which is synced and renamed.
absl::Status WriteTextProto(const std::string& path, const google::protobuf::Message& message);

}  // namespace souvenir
