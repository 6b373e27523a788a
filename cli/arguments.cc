#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_split.h"
#include "cli/printable.h"
#include "common/cut_text.h"

namespace souvenir::cli {
namespace {

// No command line has so many words, so all are taken.
constexpr int kManyWords = 1 << 20;

constexpr size_t kMostBytesShown = 40;  // of an argument in a message

std::vector<std::string> SplitList(const std::string& argument) {
  return absl::StrSplit(argument, ',');
}

// Returns why `argument` is not a list, or an empty text if it is one.
std::string WrongList(const std::string& argument) {
  const std::vector<std::string> values = SplitList(argument);
  if (std::find(values.begin(), values.end(), "") == values.end()) return "";
  return fmt::format("'{}' has an empty value; expected one value, or several as in a,b", argument);
}

}  // namespace

CLI::Option* AddWords(CLI::App* command, const std::string& name, std::vector<std::string>* words,
                      const std::string& description) {
  return command->add_option(name, *words, description)
      ->type_name("")
      ->take_all()
      ->expected(kManyWords, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false);
}

CLI::Option* AddList(CLI::App* command, const std::string& name, std::vector<std::string>* values,
                     const std::string& description) {
  const CLI::callback_t split = [values](const CLI::results_t& arguments) {
    values->clear();
    for (const std::string& argument : arguments) {
      std::vector<std::string> each = SplitList(argument);
      std::move(each.begin(), each.end(), std::back_inserter(*values));
    }
    return true;
  };
  return command->add_option(name, split, description)
      ->expected(CLI::detail::expected_max_vector_size)
      ->take_all()
      ->allow_extra_args(false)
      ->check(CLI::Validator(WrongList, ""));
}

std::string WrongText(const std::string& text) {
  const std::optional<size_t> offset = FindInvalidUtf8(text);
  if (!offset) return "";
  return fmt::format("'{}' came, UTF-8 is expected; byte {} is 0x{:02x}",
                     Shortened(text, kMostBytesShown), *offset,
                     static_cast<uint8_t>(text[*offset]));
}

void RequireUtf8(CLI::App* app, const std::set<const CLI::Option*>& bytes) {
  for (CLI::Option* option : app->get_options()) {
    const bool takes_value = option->get_items_expected_max() > 0;
    const bool is_file = option->get_type_name() == "FILE";
    if (takes_value && !is_file && !bytes.contains(option)) {
      option->check(CLI::Validator(WrongText, ""));
    }
  }
  for (CLI::App* each : app->get_subcommands([](CLI::App*) { return true; })) {
    RequireUtf8(each, bytes);
  }
}

}  // namespace souvenir::cli
