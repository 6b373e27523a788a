#include "cli/command_tree.h"

#include "cli/arguments.h"
#include "cli/completion.h"
#include "common/config/command_description.h"
#include "common/config/man_page.h"

namespace souvenir::cli {
namespace {

constexpr char kSummary[] =
    "Ask a Souvenir gateway: translations, transcripts, speech and models' answers, from its cache "
    "where they are known.";

CLI::Validator AddressValidator(const char* example) {
  return CLI::Validator(
      [example](const std::string& address) { return WrongAddress(address, example); }, "");
}

void AddGlobalFlags(CommandTree* tree) {
  CLI::App& app = tree->app;
  Settings& settings = tree->settings;
  app.add_option("--server", settings.server, "The gateway's public port")
      ->envname("SOUVENIR_SERVER")
      ->type_name("HOST:PORT")
      ->check(AddressValidator(kDefaultServer))
      ->capture_default_str();
  app.add_option("--admin", settings.admin,
                 "Its admin port, for all of `cache` but `stats`, to load models and to pause "
                 "queues; default: the port of --server plus 2")
      ->envname("SOUVENIR_ADMIN")
      ->type_name("HOST:PORT")
      ->check(AddressValidator(kDefaultAdmin));
  app.add_option_function<std::string>(
         "--timeout",
         [&settings](const std::string& text) {
           const auto timeout = ParseTimeout(text);
           if (!timeout.ok()) {
             throw CLI::ValidationError("--timeout", std::string(timeout.status().message()));
           }
           settings.timeout = *timeout;
           settings.timeout_given = true;
         },
         "How long a call may take: seconds, or with a unit as in 500ms; not given, `transcribe` "
         "and "
         "`say` may take a day")
      ->type_name("TIME")
      ->default_str("30");
  app.add_flag("--json", settings.json, "One JSON document in one line");
}

void AddTranslate(CommandTree* tree, Console* console) {
  CLI::App* command =
      tree->app.add_subcommand("translate", "Translate a text into other languages");
  TranslateOptions& options = tree->translate;
  command->add_option("--from", options.source, "Its language, as in en")
      ->type_name("LANGUAGE")
      ->required();
  AddList(command, "--to", &options.targets, "Into which; may be given again, or as es,gl")
      ->type_name("LANGUAGE")
      ->required();
  command->add_option("--engine", options.engine, "Whose models to use, as in apertium")
      ->type_name("NAME");
  AddRequestFlags(command, &options.request);
  command->add_flag("-v,--verbose", options.verbose, "Tell where each answer came from");
  command->add_flag("-q,--quiet", options.quiet,
                    "Print nothing but the translations, in the order of --to");
  AddWords(command, "TEXT", &options.text, "The text; without it, or for -, standard input");
  command->callback([tree, console] {
    tree->command = [tree, console] {
      return Translate(tree->translate, tree->settings, *console);
    };
  });
}

void AddListings(CommandTree* tree, Console* console) {
  CLI::App* languages =
      tree->app.add_subcommand("languages", "List the pairs that can be translated");
  languages->add_option("--from", tree->languages.source, "Only from this one")
      ->type_name("LANGUAGE");
  languages->add_option("--to", tree->languages.target, "Only into this one")
      ->type_name("LANGUAGE");
  languages->callback([tree, console] {
    tree->command = [tree, console] {
      return Languages(tree->languages, tree->settings, *console);
    };
  });

  CLI::App* health = tree->app.add_subcommand(
      "health", "Ask whether a server serves, as a probe does (exit status 0: it does)");
  health
      ->add_option("PART", tree->health.part,
                   "Only this part: a model, or souvenir.disk or souvenir.tasks at a gateway")
      ->type_name("");
  health->callback([tree, console] {
    tree->command = [tree, console] { return Health(tree->health, tree->settings, *console); };
  });
}

// Adds the commands that print descriptions of the command line.
void AddDescriptions(CommandTree* tree, const std::string& version, Console* console) {
  CLI::App* completion = tree->app.add_subcommand(
      "completion", "Print what makes a shell complete commands and flags");
  completion->add_option("SHELL", tree->shell, "Which one")
      ->type_name("bash|zsh|fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->required();
  completion->callback([tree, console] {
    tree->command = [tree, console] {
      console->out << CompletionScript(tree->shell, DescribeCommand(tree->app));
      return Outcome();
    };
  });

  CLI::App* man = tree->app.add_subcommand("man", "Print the manual page, for `man -l -`");
  man->callback([tree, version, console] {
    tree->command = [tree, version, console] {
      console->out << ManPage(DescribeCommand(tree->app), "souvenir " + version);
      return Outcome();
    };
  });
}

}  // namespace

void AddRequestFlags(CLI::App* command, RequestOptions* options) {
  AddList(command, "--tag", &options->tags,
          "By which the answer can be forgotten; may be given again, or as a,b")
      ->type_name("TAG")
      ->check(CLI::Validator(WrongMetadata, ""));
  command
      ->add_option("--tenant", options->tenant,
                   "Whose answer it is; believed where trust_tenant_header is on")
      ->type_name("TENANT")
      ->check(CLI::Validator(WrongMetadata, ""));
  command
      ->add_option("--cache-control", options->cache_control,
                   "As in HTTP: no-cache, no-store, only-if-cached, max-age=60, ...")
      ->type_name("DIRECTIVES")
      ->check(CLI::Validator(WrongMetadata, ""));
}

CommandTree::CommandTree(const std::string& version, Console* console) : app(kSummary, "souvenir") {
  app.set_version_flag("--version", "souvenir " + version, "Print the version and exit");
  app.footer(std::string(ExitCodeHelp()));
  app.require_subcommand(1);
  app.fallthrough();  // global flags may follow the command
  app.get_formatter()->column_width(34);
  AddGlobalFlags(this);
  AddTranslate(this, console);
  AddModelCommands(this, console);
  AddSpeechCommands(this, console);
  AddTaskCommands(this, console);
  AddListings(this, console);
  AddCacheCommands(this, console);
  AddDescriptions(this, version, console);
  RequireUtf8(&app, bytes);
}

}  // namespace souvenir::cli
