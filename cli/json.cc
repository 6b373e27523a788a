#include "cli/json.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace souvenir::cli {
namespace {

using nlohmann::json;

// Returns "line 2, column 7" for the byte at `offset`. Lines and columns count from 1, and columns
// count bytes.
std::string PlaceOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const size_t line_feed = before.rfind('\n');
  const size_t begin = line_feed == std::string_view::npos ? 0 : line_feed + 1;
  return fmt::format("line {}, column {}", line, offset - begin + 1);
}

// Finds a key that comes twice in one object. json::parse() would keep only its last value. (Its
// own callback could find one too, but looks at every element of an array for each object in it.)
class RepeatedKey final : public json::json_sax_t {
 public:
  // Returns the first such key of `text`, which must be JSON.
  static std::optional<std::string> In(const std::string& text) {
    RepeatedKey handler;
    json::sax_parse(text, &handler);
    return std::move(handler.found_);
  }

  bool null() override { return true; }
  bool boolean(bool value) override { return true; }
  bool number_integer(number_integer_t value) override { return true; }
  bool number_unsigned(number_unsigned_t value) override { return true; }
  bool number_float(number_float_t value, const string_t& text) override { return true; }
  bool string(string_t& value) override { return true; }
  bool binary(binary_t& value) override { return true; }
  bool start_array(std::size_t size) override { return true; }
  bool end_array() override { return true; }

  bool start_object(std::size_t size) override {
    objects_.emplace_back();
    return true;
  }
  bool key(string_t& name) override {
    if (objects_.back().insert(name).second) return true;
    found_ = name;
    return false;  // ends the parsing
  }
  bool end_object() override {
    objects_.pop_back();
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const json::exception& error) override {
    return false;
  }

 private:
  std::vector<std::set<std::string>> objects_;  // keys of the open objects, from the outermost
  std::optional<std::string> found_;
};

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  // The conversion fails for an Any of unknown type, which our messages do not have, and for a time
  // out of range.
  if (!status.ok())
    return fmt::format("{{\"error\":\"{} cannot be shown as JSON\"}}", message.GetTypeName());
  return text;
}

absl::StatusOr<json> ParseJson(const std::string& text, const std::string& where) {
  json value;
  try {
    value = json::parse(text);
  } catch (const json::parse_error& error) {
    // `byte` counts from 1; a text that is cut short ends one byte before it.
    const size_t offset = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
    // "[json...] parse error at ...: syntax error while parsing array - unexpected ...".
    std::string_view reason = error.what();
    const size_t dash = reason.find(" - ");
    reason = dash == std::string_view::npos ? "" : reason.substr(dash + 3);
    return absl::InvalidArgumentError(fmt::format("{}: what came is no JSON at {}{}{}", where,
                                                  PlaceOf(text, offset), reason.empty() ? "" : ": ",
                                                  reason));
  } catch (const json::exception&) {  // a number that no double can be
    return absl::InvalidArgumentError(
        fmt::format("{}: what came is JSON with a number out of range", where));
  }
  if (const std::optional<std::string> key = RepeatedKey::In(text)) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the key '{}' comes twice in one object", where, *key));
  }
  return value;
}

}  // namespace souvenir::cli
