#include <algorithm>

#include "cli/cache_stats_command.h"
#include "cli/command_tree.h"

// The commands about the cache.

namespace souvenir::cli {
namespace {

CLI::Validator FingerprintValidator() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        const bool hex = std::all_of(text.begin(), text.end(), [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        });
        if (hex && text.size() == 64) return {};
        return "'" + text + "' is no key; expected the 64 hex digits that `translate -v` shows";
      },
      "");
}

void AddClear(CLI::App* cache, CommandTree* tree, Console* console) {
  CLI::App* clear = cache->add_subcommand(
      "clear", "Forget answers: all (asks first), or those that one flag names");
  CLI::Option_group* scope = clear->add_option_group("scope");
  scope->add_option("--model", tree->clear.model, "Those of this model")->type_name("NAME");
  scope->add_option("--tag", tree->clear.tag, "Those that were asked for with this tag")
      ->type_name("TAG");
  scope
      ->add_option("--tenant", tree->clear.tenant,
                   "Those of this tenant; \"\": of no one (asks first)")
      ->type_name("TENANT");
  scope->add_option("--key", tree->clear.key, "The one with this key")
      ->type_name("KEY")
      ->check(FingerprintValidator());
  scope->require_option(0, 1);
  clear->add_flag("-y,--yes", tree->clear.yes, "Do not ask; needed where there is no terminal");
  clear->callback([tree, console] {
    tree->command = [tree, console] { return CacheClear(tree->clear, tree->settings, *console); };
  });
}

void AddSnapshots(CLI::App* cache, CommandTree* tree, Console* console) {
  CLI::App* write = cache->add_subcommand("export", "Write what is known to a file");
  write
      ->add_option("FILE", tree->snapshot.file,
                   "A snapshot that is there is replaced; -: standard output")
      ->type_name("FILE")
      ->required();
  write->add_flag("-y,--yes", tree->snapshot.yes, "Replace a file that is no snapshot, too");
  write->callback([tree, console] {
    tree->command = [tree, console] {
      return CacheExport(tree->snapshot, tree->settings, *console);
    };
  });

  CLI::App* read = cache->add_subcommand("import", "Take in what another gateway exported");
  read->add_option("FILE", tree->snapshot.file, "What `cache export` wrote; -: standard input")
      ->type_name("FILE")
      ->required();
  read->callback([tree, console] {
    tree->command = [tree, console] {
      return CacheImport(tree->snapshot, tree->settings, *console);
    };
  });
}

}  // namespace

void AddCacheCommands(CommandTree* tree, Console* console) {
  CLI::App* cache = tree->app.add_subcommand("cache", "Look into the cache, empty it, copy it");
  cache->require_subcommand(1);

  CLI::App* stats = cache->add_subcommand("stats", "What was answered, and from where");
  stats->callback([tree, console] {
    tree->command = [tree, console] { return CacheStats(tree->settings, *console); };
  });

  AddClear(cache, tree, console);
  AddSnapshots(cache, tree, console);

  CLI::App* entry = cache->add_subcommand("entry", "Show what is kept under a key");
  entry->add_option("KEY", tree->entry.key, "As `translate -v` and `infer -v` show it")
      ->type_name("")
      ->check(FingerprintValidator())
      ->required();
  entry->add_flag("--with-value", tree->entry.with_value, "The outputs, too");
  entry->callback([tree, console] {
    tree->command = [tree, console] { return CacheEntry(tree->entry, tree->settings, *console); };
  });
}

}  // namespace souvenir::cli
