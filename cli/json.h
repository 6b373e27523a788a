#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace souvenir::cli {

// `message` as JSON in one line, with protobuf's rules for it, the names of the .proto files, and
// every field, empty or not. What a terminal would obey is escaped by JSON's own rules.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace souvenir::cli
