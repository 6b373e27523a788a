#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace souvenir {

// Reads protobuf text format from a file into `message`, whose fields it replaces.
// INVALID_ARGUMENT, as "path:line:column: reason", for a syntax error, an unknown field, or a field
// or a map key that is given twice. See ReadFile() for errors if the file cannot be read or has
// more than 64 MiB.
absl::Status ReadTextProto(const std::string& path, google::protobuf::Message* message);

// Parses protobuf text format like ReadTextProto(). `name` replaces the path in messages.
absl::Status ParseTextProto(std::string_view text, std::string_view name,
                            google::protobuf::Message* message);

// Writes `message` to `path` in text format. The write is atomic: it goes to `path`.new, which is
// synced and renamed. Returns the status of errno if it fails.
absl::Status WriteTextProto(const std::string& path, const google::protobuf::Message& message);

}  // namespace souvenir
