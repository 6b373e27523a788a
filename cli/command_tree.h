#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <set>
#include <string>

#include "cli/cache_clear_command.h"
#include "cli/cache_entry_command.h"
#include "cli/cache_snapshot_command.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/health_command.h"
#include "cli/infer_command.h"
#include "cli/languages_command.h"
#include "cli/model_loading_command.h"
#include "cli/models_command.h"
#include "cli/run_command.h"
#include "cli/say_command.h"
#include "cli/settings.h"
#include "cli/speech_command.h"
#include "cli/tasks_command.h"
#include "cli/transcribe_command.h"
#include "cli/translate_command.h"
#include "cli/voices_command.h"

namespace souvenir::cli {

// The commands and flags, and their values on one command line. Help, completion, manual page and
// hints are made from it. Not thread-safe.
//
//   CommandTree tree(version, &console);
//   tree.app.parse(ReversedArguments(arguments));
//   Outcome outcome = tree.command();
struct CommandTree {
  // `console` outlives it. `version`: "0.1.0 (commit 0123456789ab)".
  CommandTree(const std::string& version, Console* console);
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  CLI::App app;
  Settings settings;
  TranslateOptions translate;
  InferOptions infer;
  TranscribeOptions transcribe;
  SayOptions say;
  SpeechOptions speech;
  VoicesOptions voices;
  LanguagesOptions languages;
  ModelsOptions models;
  ModelLoadingOptions loading;
  HealthOptions health;
  CacheClearOptions clear;
  CacheEntryOptions entry;
  CacheSnapshotOptions snapshot;
  RunOptions run;
  TasksOptions tasks;
  std::string shell;  // of `completion`

  // The arguments that are sent as bytes, and so need not be UTF-8 (see arguments.h).
  std::set<const CLI::Option*> bytes;

  std::function<Outcome()> command;  // runs the command; set by app.parse()
};

// Add the commands of one topic to `tree.app`. Each is in a file of its own.
void AddCacheCommands(CommandTree* tree, Console* console);
void AddModelCommands(CommandTree* tree, Console* console);
void AddSpeechCommands(CommandTree* tree, Console* console);
void AddTaskCommands(CommandTree* tree, Console* console);

// Adds the flags --tag, --tenant and --cache-control.
void AddRequestFlags(CLI::App* command, RequestOptions* options);

}  // namespace souvenir::cli
