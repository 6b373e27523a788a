#include "cli/json.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

namespace souvenir::cli {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // The conversion fails for an Any of unknown type, which our messages do not have, and for a time
  // out of range.
  if (!status.ok())
    return fmt::format("{{\"error\":\"{} cannot be shown as JSON\"}}", message.GetTypeName());
  return json;
}

}  // namespace souvenir::cli
