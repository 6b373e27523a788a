#include "common/config/text_proto.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "common/read_file.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

// Largest file in bytes. A catalog of 10,000 models has a third of this.
constexpr uint64_t kMostTextBytes = 64u << 20;

// Keeps the first error, as "name:line:column: reason".
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(std::string_view name) : name_(name) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& reason) override {
    if (!text_.empty()) return;
    text_ = fmt::format("{}:{}:{}: {}", name_, line + 1, column + 1, reason);
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}

  const std::string& text() const { return text_; }

 private:
  const std::string_view name_;
  std::string text_;
};

// Refuses map keys that are given twice. The parser accepts them, and the map keeps the last entry.
// Directly after parsing, reflection still shows all entries in their order. REQUIRES: `message`
// was not used since it was parsed, because access to a map drops the duplicates.
absl::Status RefuseDuplicateKeys(const Message& message, TextFormat::ParseInfoTree* tree,
                                 std::string_view name) {
  const Reflection* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    std::set<std::string> keys;
    const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const int index = field->is_repeated() ? i : -1;
      const Message& child = field->is_repeated()
                                 ? reflection->GetRepeatedMessage(message, field, i)
                                 : reflection->GetMessage(message, field);
      if (field->is_map()) {
        std::string key;
        TextFormat::PrintFieldValueToString(child, field->message_type()->map_key(), -1, &key);
        if (!keys.insert(key).second) {
          const TextFormat::ParseLocation place = tree->GetLocation(field, index);
          return absl::InvalidArgumentError(
              fmt::format("{}:{}:{}: the key {} of '{}' is given twice", name, place.line + 1,
                          place.column + 1, key, field->name()));
        }
      }
      TextFormat::ParseInfoTree* const nested = tree->GetTreeForNested(field, index);
      if (nested == nullptr) continue;
      SOUVENIR_RETURN_IF_ERROR(RefuseDuplicateKeys(child, nested, name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseTextProto(std::string_view text, std::string_view name, Message* message) {
  FirstError error(name);
  TextFormat::ParseInfoTree tree;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.WriteLocationsTo(&tree);
  if (!parser.ParseFromString(std::string(text), message)) {
    return absl::InvalidArgumentError(error.text());
  }
  return RefuseDuplicateKeys(*message, &tree, name);
}

absl::Status ReadTextProto(const std::string& path, Message* message) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMostTextBytes));
  return ParseTextProto(text, path, message);
}

absl::Status WriteTextProto(const std::string& path, const Message& message) {
  std::string text;
  if (!TextFormat::PrintToString(message, &text)) {
    return absl::InternalError(fmt::format("cannot print {}", message.GetTypeName()));
  }
  const std::string temporary = path + ".new";
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return absl::ErrnoToStatus(errno, fmt::format("cannot write {}", temporary));
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = write(file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    rest.remove_prefix(static_cast<size_t>(written));
  }
  const bool complete = rest.empty() && fsync(file) == 0;
  const int error = errno;
  close(file);
  if (!complete || rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = complete ? errno : error;
    unlink(temporary.c_str());
    return absl::ErrnoToStatus(reason, fmt::format("cannot write {}", path));
  }
  return absl::OkStatus();
}

}  // namespace souvenir
