#include "common/config/service_flags.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/reflection.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/config/command_description.h"
#include "common/config/command_line.h"
#include "common/config/man_page.h"
#include "common/config/text_proto.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A field, and the message that has it, which may be nested in others.
struct FieldOf {
  Message* message;
  const FieldDescriptor* field;
};

// Returns the field at `path`, and creates the messages on the way to it. REQUIRES: `root` has such
// a field.
FieldOf FindField(Message* root, std::string_view path) {
  for (;;) {
    const size_t dot = path.find('.');
    const FieldDescriptor* field =
        root->GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr) {  // programming error in the call of Add()
      fmt::print(stderr, "no field '{}' in {}\n", path, root->GetTypeName());
      std::abort();
    }
    if (dot == std::string_view::npos) return {root, field};
    root = root->GetReflection()->MutableMessage(root, field);
    path.remove_prefix(dot + 1);
  }
}

std::string Show(const FieldOf& of) {
  const auto* reflection = of.message->GetReflection();
  if (of.field->is_repeated()) {
    const auto texts = reflection->GetRepeatedFieldRef<std::string>(*of.message, of.field);
    return absl::StrJoin(texts.begin(), texts.end(), ",");
  }
  switch (of.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(*of.message, of.field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(*of.message, of.field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(reflection->GetUInt32(*of.message, of.field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(reflection->GetUInt64(*of.message, of.field));
    default:
      return "";
  }
}

// Sets a field. Returns false if `text` is not a value of the field's type.
bool Set(const FieldOf& of, const std::string& text) {
  const auto* reflection = of.message->GetReflection();
  if (of.field->is_repeated()) {
    const std::vector<std::string> texts = absl::StrSplit(text, ',');
    reflection->ClearField(of.message, of.field);
    for (const std::string& one : texts) reflection->AddString(of.message, of.field, one);
    return true;
  }
  switch (of.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(of.message, of.field, text);
      return true;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return false;
      reflection->SetBool(of.message, of.field, text == "true");
      return true;
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t number = 0;
      if (text.empty() || !CLI::detail::integral_conversion(text, number)) return false;
      reflection->SetUInt32(of.message, of.field, number);
      return true;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t number = 0;
      if (text.empty() || !CLI::detail::integral_conversion(text, number)) return false;
      reflection->SetUInt64(of.message, of.field, number);
      return true;
    }
    default:
      return false;
  }
}

// Returns "--log_level=x" for "--log-level=x".
std::string WithUnderscores(std::string argument) {
  if (argument.rfind("--", 0) != 0) return argument;
  const size_t end = std::min(argument.find('='), argument.size());
  std::replace(argument.begin() + 2, argument.begin() + static_cast<std::ptrdiff_t>(end), '-', '_');
  return argument;
}

// The footer of --help and the manual page. RunUntilSignal() does what it says.
constexpr char kFooter[] =
    "Exit status:\n"
    "  0  stopped by a signal, or --help, --man, --version or --check_config did its work\n"
    "  1  the service could not start: a port, a folder or a limit of the system\n"
    "  2  the command line or the configuration is wrong\n"
    "  128 and the number of the signal: a second signal ended it at once\n"
    "\n"
    "Signals:\n"
    "  SIGTERM, SIGINT  stop: health says NOT_SERVING, new requests are refused, and those under\n"
    "                   way have --drain_timeout seconds to end. A second one ends the service\n"
    "                   at once, unless it comes within a second of the first\n"
    "  SIGHUP           read the levels of logging again from --config; if the terminal in which\n"
    "                   the service was started has been closed, the same as SIGTERM\n"
    "  SIGPIPE          ignored\n";

int Exit(const absl::Status& wrong) {
  fmt::print(stderr, "{}\n", std::string(wrong.message()));
  return 2;
}

}  // namespace

struct ServiceFlags::Impl {
  struct Flag {
    std::string name;
    std::string path;
    std::string placeholder;
    std::vector<std::string> belonging;
    std::string value;
    CLI::Option* option;
  };

  Impl(Options options, Message* config)
      : options(std::move(options)),
        config(config),
        defaults(config->New()),
        app(this->options.summary) {
    defaults->CopyFrom(*config);
  }

  // Returns an error with `reason` and a hint at --help.
  absl::Status Refusal(const std::string& reason) const {
    return absl::InvalidArgumentError(
        fmt::format("{}: {}; see {} --help", options.program, reason, options.program));
  }

  absl::Status Read(Message* into) const;

  const Options options;
  Message* const config;
  const std::unique_ptr<Message> defaults;
  CLI::App app;
  std::string config_path;
  bool check_config = false;
  bool man = false;
  std::deque<Flag> flags;  // their addresses are known to `app`
};

ServiceFlags::ServiceFlags(Options options, Message* config)
    : impl_(std::make_unique<Impl>(std::move(options), config)) {
  CLI::App& app = impl_->app;
  app.name(impl_->options.program);
  app.set_version_flag("--version",
                       fmt::format("{} {}", impl_->options.program, impl_->options.version),
                       "Print the version and exit.");
  app.set_help_flag("--help,-h", "Print this help and exit.");
  app.get_formatter()->column_width(36);
  app.footer(kFooter);
  app.add_flag("--man", impl_->man, "Print the manual page, for `man -l -`, and exit.");
  app.add_option("--config", impl_->config_path,
                 "Configuration in protobuf text format. All fields are optional. Flags override "
                 "them.")
      ->type_name("FILE");
  app.add_flag("--check_config", impl_->check_config,
               "Check the configuration, print the first error, and exit (0 if there is none).");
  Add("listen", "listen_address", "HOST:PORT", "Address for clients; port 0 is any free one.");
  Add("admin", "admin_address", "HOST:PORT",
      "Address for administrators. Anyone who can reach it can change what is served.");
  Add("metrics", "metrics_address", "HOST:PORT",
      "Address of /metrics for Prometheus; \"\" turns it off.");
  Add("log_level", "logging.level", "LEVEL",
      "trace, debug, info, warning, error, critical or off.");
  Add("log_format", "logging.format", "FORMAT",
      "text, json, or auto (text on a terminal, otherwise json).");
  Add("drain_timeout", "drain_timeout_seconds", "SECONDS",
      "Longest time for which a stop waits for requests under way.");
}

ServiceFlags::~ServiceFlags() = default;

void ServiceFlags::Add(const std::string& name, const std::string& path,
                       const std::string& placeholder, const std::string& help,
                       std::vector<std::string> belonging) {
  Impl::Flag& flag = impl_->flags.emplace_back(
      Impl::Flag{name, path, placeholder, std::move(belonging), "", nullptr});
  flag.option = impl_->app.add_option("--" + name, flag.value, help)->type_name(placeholder);
  // FindField() works on a copy, because it creates the messages on the way to the field.
  const std::unique_ptr<Message> defaults(impl_->defaults->New());
  defaults->CopyFrom(*impl_->defaults);
  const std::string value = Show(FindField(defaults.get(), path));
  if (!value.empty()) flag.option->default_str(value);
}

std::optional<int> ServiceFlags::Parse(int argc, const char* const* argv) {
  Impl& impl = *impl_;
  std::vector<std::string> arguments = ReversedArguments(argc, argv);
  for (std::string& argument : arguments) argument = WithUnderscores(std::move(argument));
  try {
    impl.app.parse(std::move(arguments));
  } catch (const CLI::Success& request) {
    return impl.app.exit(request);  // prints help or version
  } catch (const CLI::ParseError& error) {
    return Exit(impl.Refusal(ExplainParseError(impl.app, error)));
  }
  if (impl.man) {
    const std::string version = fmt::format("{} {}", impl.options.program, impl.options.version);
    fmt::print("{}", ManPage(DescribeCommand(impl.app), version));
    return 0;
  }
  const absl::Status read = impl.Read(impl.config);
  if (!read.ok()) return Exit(read);
  return std::nullopt;
}

absl::Status ServiceFlags::ReadAgain(Message* config) const { return impl_->Read(config); }

absl::Status ServiceFlags::Impl::Read(Message* into) const {
  const std::unique_ptr<Message> read(defaults->New());
  read->CopyFrom(*defaults);
  if (!config_path.empty()) {
    const std::unique_ptr<Message> file(defaults->New());
    SOUVENIR_RETURN_IF_ERROR(ReadTextProto(config_path, file.get()));
    read->MergeFrom(*file);
  }
  for (const Flag& flag : flags) {
    if (flag.option->count() == 0) continue;
    for (const std::string& path : flag.belonging) {
      const FieldOf of = FindField(read.get(), path);
      of.message->GetReflection()->ClearField(of.message, of.field);
    }
    const FieldOf of = FindField(read.get(), flag.path);
    if (!Set(of, flag.value)) {
      return Refusal(fmt::format(
          "--{} is '{}'; it must be {}", flag.name, flag.value,
          of.field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? "true or false" : "a number"));
    }
  }
  into->CopyFrom(*read);
  return absl::OkStatus();
}

bool ServiceFlags::check_config() const { return impl_->check_config; }

const std::string& ServiceFlags::config_path() const { return impl_->config_path; }

}  // namespace souvenir
