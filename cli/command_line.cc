#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string_view>

#include "cli/cache_clear_command.h"
#include "cli/cache_entry_command.h"
#include "cli/cache_snapshot_command.h"
#include "cli/cache_stats_command.h"
#include "cli/exit_code.h"
#include "cli/health_command.h"
#include "cli/languages_command.h"
#include "cli/models_command.h"
#include "cli/printable.h"
#include "cli/settings.h"
#include "cli/translate_command.h"

namespace souvenir::cli {
namespace {

// All that the command line can say, where CLI11 puts it.
struct Parsed {
  Settings settings;
  TranslateOptions translate;
  LanguagesOptions languages;
  ModelsOptions models;
  HealthOptions health;
  CacheClearOptions clear;
  CacheEntryOptions entry;
  CacheSnapshotOptions snapshot;
  std::function<Outcome()> command;
};

CLI::Validator FingerprintValidator() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        const bool hex = std::all_of(text.begin(), text.end(), [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        });
        if (hex && text.size() == 64) return {};
        return "'" + text + "' is no key; expected the 64 hex digits that `translate -v` shows";
      },
      "", "fingerprint");
}

void AddGlobalOptions(CLI::App& app, Parsed& parsed) {
  Settings& settings = parsed.settings;
  app.add_option("--server", settings.server, "The gateway's public port")
      ->envname("SOUVENIR_SERVER")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--admin", settings.admin, "Its admin port, for all of `cache` but `stats`")
      ->envname("SOUVENIR_ADMIN")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--timeout",
         [&settings](const std::string& text) {
           const auto timeout = ParseTimeout(text);
           if (!timeout.ok()) {
             throw CLI::ValidationError("--timeout", std::string(timeout.status().message()));
           }
           settings.timeout = *timeout;
         },
         "How long a call may take: seconds, or with a unit as in 500ms")
      ->type_name("TIME")
      ->default_str("30");
  app.add_flag("--json", settings.json, "One JSON document in one line");
}

void AddTranslate(CLI::App& app, Parsed& parsed, Console& console) {
  CLI::App* command = app.add_subcommand("translate", "Translate a text into other languages");
  TranslateOptions& options = parsed.translate;
  command->add_option("--from", options.source, "Its language, as in en")
      ->type_name("LANGUAGE")
      ->required();
  command->add_option("--to", options.targets, "Into which; may be given again, or as es,gl")
      ->type_name("LANGUAGE")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->required();
  command->add_option("--engine", options.engine, "Whose models to use, as in apertium");
  command->add_flag("-v,--verbose", options.verbose, "Tell where each answer came from");
  command->add_flag("-q,--quiet", options.quiet, "Print nothing but the translations");
  command->add_option("TEXT", options.text, "The text; without it, or for -, standard input");
  command->callback([&parsed, &console] {
    parsed.command = [&] { return Translate(parsed.translate, parsed.settings, console); };
  });
}

void AddListings(CLI::App& app, Parsed& parsed, Console& console) {
  CLI::App* languages = app.add_subcommand("languages", "List the pairs that can be translated");
  languages->add_option("--from", parsed.languages.source, "Only from this one");
  languages->add_option("--to", parsed.languages.target, "Only into this one");
  languages->callback([&parsed, &console] {
    parsed.command = [&] { return Languages(parsed.languages, parsed.settings, console); };
  });

  CLI::App* models = app.add_subcommand(
      "models", "List the models of the gateway, or of any server of the Open Inference Protocol");
  models->add_option("NAME", parsed.models.name, "Only this one");
  models->callback([&parsed, &console] {
    parsed.command = [&] { return Models(parsed.models, parsed.settings, console); };
  });

  CLI::App* health = app.add_subcommand(
      "health", "Ask whether a server serves, as a probe does (exit status 0: it does)");
  health->add_option("PART", parsed.health.part,
                     "Only this part: a model, or souvenir.disk at a gateway");
  health->callback([&parsed, &console] {
    parsed.command = [&] { return Health(parsed.health, parsed.settings, console); };
  });
}

void AddCache(CLI::App& app, Parsed& parsed, Console& console) {
  CLI::App* cache = app.add_subcommand("cache", "Look into the cache, empty it, copy it");
  cache->require_subcommand(1);

  CLI::App* stats = cache->add_subcommand("stats", "What was answered, and from where");
  stats->callback([&parsed, &console] {
    parsed.command = [&] { return CacheStats(parsed.settings, console); };
  });

  CLI::App* clear =
      cache->add_subcommand("clear", "Forget answers: all, or those that one option names");
  CLI::Option_group* scope = clear->add_option_group("scope");
  scope->add_option("--model", parsed.clear.model, "Those of this model");
  scope->add_option("--tag", parsed.clear.tag, "Those that were asked for with this tag");
  scope->add_option("--tenant", parsed.clear.tenant, "Those of this tenant; \"\": of no one");
  scope->add_option("--key", parsed.clear.key, "The one with this key")
      ->check(FingerprintValidator());
  scope->require_option(0, 1);
  clear->add_flag("-y,--yes", parsed.clear.yes, "Really all (asked for on a terminal)");
  clear->callback([&parsed, &console] {
    parsed.command = [&] { return CacheClear(parsed.clear, parsed.settings, console); };
  });

  CLI::App* write = cache->add_subcommand("export", "Write what is known to a file");
  write->add_option("FILE", parsed.snapshot.file, "Replaced if it is there; -: standard output")
      ->required();
  write->callback([&parsed, &console] {
    parsed.command = [&] { return CacheExport(parsed.snapshot, parsed.settings, console); };
  });

  CLI::App* read = cache->add_subcommand("import", "Take in what another gateway exported");
  read->add_option("FILE", parsed.snapshot.file, "What `cache export` wrote; -: standard input")
      ->required();
  read->callback([&parsed, &console] {
    parsed.command = [&] { return CacheImport(parsed.snapshot, parsed.settings, console); };
  });

  CLI::App* entry = cache->add_subcommand("entry", "Show what is kept under a key");
  entry->add_option("KEY", parsed.entry.key, "As `translate -v` shows it")
      ->check(FingerprintValidator())
      ->required();
  entry->add_flag("--with-value", parsed.entry.with_value, "The outputs too, as they are kept");
  entry->callback([&parsed, &console] {
    parsed.command = [&] { return CacheEntry(parsed.entry, parsed.settings, console); };
  });
}

// What a failed command says, line by line; not even a server's words reach the terminal raw.
void Complain(const Outcome& outcome, Console& console) {
  console.err << "souvenir: " << PrintableLines(outcome.message, 0) << '\n';
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, Console& console) {
  Parsed parsed;
  CLI::App app("Ask a Souvenir gateway: translations answered from its cache where they are known.",
               "souvenir");
  app.set_version_flag("--version", "souvenir " SOUVENIR_VERSION);
  app.footer(std::string(ExitCodeHelp()));
  app.require_subcommand(1);
  app.fallthrough();  // global options may follow the command
  AddGlobalOptions(app, parsed);
  AddTranslate(app, parsed, console);
  AddListings(app, parsed, console);
  AddCache(app, parsed, console);

  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help or --version
      app.exit(error, console.out, console.err);
      return static_cast<int>(ExitCode::kOk);
    }
    Complain(Outcome::Usage(std::string(error.what()) + "\nTry souvenir --help."), console);
    return static_cast<int>(ExitCode::kUsage);
  }

  Outcome outcome = parsed.command();
  console.out.flush();
  if (outcome.ok() && !console.out) {
    outcome = {ExitCode::kFailed, "cannot write to standard output"};
  }
  if (!outcome.ok()) Complain(outcome, console);
  return static_cast<int>(outcome.code);
}

}  // namespace souvenir::cli
