#pragma once

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace souvenir {

// Returns the column "default" of the settings' table in a section of docs/configuration.md, by
// setting. Notes behind a value, as "(256 MiB)", are left out.
inline std::map<std::string, std::string> DocumentedDefaults(const std::string& page,
                                                             const std::string& section) {
  std::map<std::string, std::string> defaults;
  std::ifstream in(page);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) inside = line == "## " + section;
    if (!inside || !line.starts_with("| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    if (cells.size() < 2) continue;
    const std::string setting = cells[0].substr(3, cells[0].size() - 4);
    defaults.emplace(setting, cells[1].substr(0, cells[1].find(" (")));
  }
  return defaults;
}

// Returns the value of the field at `path`, "disk.threads", as docs/configuration.md writes it;
// nullopt if there is no such field, or if it has no single value.
inline std::optional<std::string> DocumentedForm(const google::protobuf::Message& config,
                                                 const std::string& path) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Message* message = &config;
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  for (size_t i = 0; i < names.size(); ++i) {
    const FieldDescriptor* const field = message->GetDescriptor()->FindFieldByName(names[i]);
    if (field == nullptr || field->is_repeated()) return std::nullopt;
    const google::protobuf::Reflection& values = *message->GetReflection();
    if (i + 1 < names.size()) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return std::nullopt;
      message = &values.GetMessage(*message, field);
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return values.GetBool(*message, field) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_UINT32:
        return fmt::to_string(values.GetUInt32(*message, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return fmt::to_string(values.GetUInt64(*message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return fmt::format("`\"{}\"`", values.GetString(*message, field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return fmt::format("`{}`", values.GetEnum(*message, field)->name());
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

// Expects the values of `config` in the table of a section of docs/configuration.md, for at least
// `least` settings.
inline void ExpectDocumented(const google::protobuf::Message& config, const std::string& page,
                             const std::string& section, size_t least) {
  size_t compared = 0;
  for (const auto& [setting, value] : DocumentedDefaults(page, section)) {
    const std::optional<std::string> ours = DocumentedForm(config, setting);
    // A default that the program works out is described in words.
    const bool in_words = value.empty() || value == "none" || value.find(' ') != std::string::npos;
    if (!ours || in_words) continue;
    EXPECT_EQ(*ours, value) << setting;
    ++compared;
  }
  EXPECT_GE(compared, least);
}

}  // namespace souvenir
