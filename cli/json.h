#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace souvenir::cli {

// Returns `message` as JSON in one line, by protobuf's rules, with the names of the .proto files
// and every field, empty or not. JSON escapes the characters that a terminal would obey.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace souvenir::cli
