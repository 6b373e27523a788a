#include "compute-service/backends/apertium/mode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/read_file.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

constexpr std::string_view kUnmarked = "-n";

// Cuts a mode file into tokens. Refers to the text, which must outlive it. Not thread-safe.
class ModeReader {
 public:
  struct Token {
    enum Kind { kWord, kPipe, kGenerationFlag, kTaggerFlag, kEnd } kind;
    std::string text;
  };

  ModeReader(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  absl::StatusOr<Token> Next() {
    while (!rest_.empty() && IsSpace(rest_[0])) rest_.remove_prefix(1);
    if (rest_.empty()) return Token{Token::kEnd, ""};
    if (rest_[0] == '|') {
      rest_.remove_prefix(1);
      return Token{Token::kPipe, "|"};
    }
    return Word();
  }

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  absl::StatusOr<Token> Word() {
    std::string word;
    for (; !rest_.empty() && !IsSpace(rest_[0]) && rest_[0] != '|'; rest_.remove_prefix(1)) {
      const char c = rest_[0];
      if (c == '\'') {
        const size_t end = rest_.find('\'', 1);
        if (end == std::string_view::npos) return Unclosed('\'');
        word.append(rest_.substr(1, end - 1));
        rest_.remove_prefix(end);
      } else if (c == '"') {
        SOUVENIR_RETURN_IF_ERROR(DoubleQuoted(&word));
      } else if (c == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty()) {
          return absl::InvalidArgumentError(
              fmt::format("mode {}: it ends in a backslash, which nothing follows", name_));
        }
        word.push_back(rest_[0]);
      } else if (c == '$' && word.empty() && AtParameter()) {
        const bool generation = rest_[1] == '1';
        rest_.remove_prefix(2);
        return generation ? Token{Token::kGenerationFlag, std::string(kUnmarked)}
                          : Token{Token::kTaggerFlag, ""};
      } else if (std::string_view("$`;&<>()*?[]#!{}~").find(c) != std::string_view::npos) {
        return Refused(c);
      } else {
        word.push_back(c);
      }
    }
    return Token{Token::kWord, std::move(word)};
  }

  // Appends the quoted text to `word` and stops at the closing quote. REQUIRES: `rest_` begins with
  // the opening quote.
  absl::Status DoubleQuoted(std::string* word) {
    rest_.remove_prefix(1);
    for (; !rest_.empty() && rest_[0] != '"'; rest_.remove_prefix(1)) {
      if (rest_[0] == '$' || rest_[0] == '`') return Refused(rest_[0]);
      if (rest_[0] == '\\' && rest_.size() > 1 && (rest_[1] == '"' || rest_[1] == '\\')) {
        rest_.remove_prefix(1);
      }
      word->push_back(rest_[0]);
    }
    return rest_.empty() ? Unclosed('"') : absl::OkStatus();
  }

  // Returns true if `rest_` begins with `$1` or `$2` as a whole word. REQUIRES: it begins with `$`.
  bool AtParameter() const {
    return rest_.size() >= 2 && (rest_[1] == '1' || rest_[1] == '2') &&
           (rest_.size() == 2 || IsSpace(rest_[2]) || rest_[2] == '|');
  }

  absl::Status Refused(char c) const {
    return absl::UnimplementedError(fmt::format(
        "mode {}: unsupported shell syntax '{}'; supported: words, quotes, |, $1, $2", name_, c));
  }

  absl::Status Unclosed(char c) const {
    return absl::InvalidArgumentError(
        fmt::format("mode {}: a quote that opens with {} is not closed", name_, c));
  }

  std::string_view rest_;
  const std::string_view name_;
};

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A program that the worker can stand in for or run.
struct ProgramRules {
  std::string_view program;
  std::string_view covered;   // options that the worker supports
  std::string_view needless;  // options that make no difference in the worker's pipeline
  std::string_view package;   // Debian package of a program without a library; otherwise empty
};

constexpr ProgramRules kPrograms[] = {
    // -z flushes at each NUL, which the worker's pipeline always does.
    {"lt-proc", "abcegnptwx", "z", ""},
    {"apertium-tagger", "gx", "z", ""},
    {"apertium-pretransfer", "", "z", ""},
    {"apertium-transfer", "bcn", "z", ""},
    {"apertium-interchunk", "", "z", ""},
    {"apertium-postchunk", "", "z", ""},
    {"lrx-proc", "", "zm", ""},        // -m is obsolete and has no effect
    {"cg-proc", "1gnw", "dz", "cg3"},  // -d is the default
    {"lsx-proc", "w", "z", "apertium-separable"},
    {"apertium-anaphora", "", "z", "apertium-anaphora"},
};

const ProgramRules* FindProgram(std::string_view program) {
  const auto* found =
      std::find_if(std::begin(kPrograms), std::end(kPrograms),
                   [&](const ProgramRules& rules) { return rules.program == program; });
  return found == std::end(kPrograms) ? nullptr : found;
}

std::optional<StageKind> DictionaryKind(const std::string& options) {
  static constexpr std::pair<char, StageKind> kKinds[] = {
      {'a', StageKind::kAnalysis},        {'e', StageKind::kDecomposition},
      {'b', StageKind::kBilingual},       {'g', StageKind::kGeneration},
      {'n', StageKind::kGeneration},      {'p', StageKind::kPostgeneration},
      {'t', StageKind::kTransliteration}, {'x', StageKind::kTransliteration},
  };
  // Combined with -b, the flags -n and -g only choose how unknown words are marked.
  if (options == "nb" || options == "bn" || options == "gb" || options == "bg") {
    return StageKind::kBilingual;
  }
  std::optional<StageKind> kind;
  for (const auto& [option, meaning] : kKinds) {
    if (options.find(option) == std::string::npos) continue;
    if (kind) return std::nullopt;
    kind = meaning;
  }
  return kind ? kind : StageKind::kAnalysis;
}

std::optional<StageKind> KindOf(std::string_view program, const std::string& options) {
  if (program == "lt-proc") return DictionaryKind(options);
  if (program == "apertium-tagger") {
    if (options == "g") return StageKind::kTagger;
    if (options == "gx" || options == "xg") return StageKind::kPerceptronTagger;
    return std::nullopt;
  }
  if (program == "apertium-pretransfer") return StageKind::kPretransfer;
  if (program == "apertium-transfer") return StageKind::kTransfer;
  if (program == "apertium-interchunk") return StageKind::kInterchunk;
  if (program == "apertium-postchunk") return StageKind::kPostchunk;
  if (program == "lrx-proc") return StageKind::kLexicalSelection;
  return StageKind::kProgram;
}

size_t FilesNeeded(const PlannedStage& stage) {
  switch (stage.kind) {
    case StageKind::kPretransfer:
      return 0;
    case StageKind::kTransfer:  // rules, compiled rules and, without -b and -n, a dictionary
      return stage.Has('b') || stage.Has('n') ? 2 : 3;
    case StageKind::kInterchunk:
    case StageKind::kPostchunk:
      return 2;
    case StageKind::kAnalysis:
    case StageKind::kDecomposition:
    case StageKind::kBilingual:
    case StageKind::kGeneration:
    case StageKind::kPostgeneration:
    case StageKind::kTransliteration:
    case StageKind::kTagger:
    case StageKind::kPerceptronTagger:
    case StageKind::kLexicalSelection:
    case StageKind::kProgram:
      return 1;
  }
  return 1;
}

absl::StatusOr<PlannedStage> PlanStage(const ModeCommand& command) {
  const ProgramRules* rules = FindProgram(command.program);
  if (rules == nullptr) {
    return absl::UnimplementedError(
        fmt::format("it runs {}, which the worker does not cover", command.program));
  }
  PlannedStage stage;
  for (const std::string& argument : command.arguments) {
    if (!argument.starts_with('-')) {
      stage.files.push_back(argument);
      continue;
    }
    for (const char option : argument.substr(1)) {
      if (rules->needless.find(option) != std::string_view::npos) continue;
      if (rules->covered.find(option) == std::string_view::npos) {
        return absl::UnimplementedError(fmt::format(
            "it runs {} with {}, which the worker does not cover", command.program, argument));
      }
      stage.options.push_back(option);
    }
  }
  const std::optional<StageKind> kind = KindOf(command.program, stage.options);
  if (!kind) {
    return absl::UnimplementedError(
        fmt::format("it runs {} with options -{}, which the worker does not cover", command.program,
                    stage.options));
  }
  stage.kind = *kind;
  if (stage.kind == StageKind::kProgram) stage.program = command.program;
  if (const size_t needed = FilesNeeded(stage); stage.files.size() != needed) {
    return absl::InvalidArgumentError(fmt::format("it runs {} with {} files ({}) instead of {}",
                                                  command.program, stage.files.size(),
                                                  fmt::join(stage.files, ", "), needed));
  }
  return stage;
}

}  // namespace

absl::StatusOr<std::vector<ModeCommand>> ParseMode(std::string_view text, std::string_view name) {
  using Token = ModeReader::Token;
  ModeReader reader(text, name);
  std::vector<ModeCommand> commands;
  while (true) {
    ModeCommand command;
    SOUVENIR_ASSIGN_OR_RETURN(Token token, reader.Next());
    if (token.kind != Token::kWord || token.text.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("mode {}: the command is missing {}", name,
                      commands.empty() ? "at the beginning" : "after |"));
    }
    command.program = BaseName(std::move(token.text));
    while (true) {
      SOUVENIR_ASSIGN_OR_RETURN(token, reader.Next());
      if (token.kind == Token::kPipe || token.kind == Token::kEnd) break;
      if (token.kind == Token::kTaggerFlag) continue;
      if (token.kind == Token::kGenerationFlag) command.takes_generation_flag = true;
      command.arguments.push_back(std::move(token.text));
    }
    commands.push_back(std::move(command));
    if (token.kind == Token::kEnd) return commands;
  }
}

absl::StatusOr<std::vector<PlannedStage>> PlanStages(const std::vector<ModeCommand>& commands) {
  std::vector<PlannedStage> stages;
  for (const ModeCommand& command : commands) {
    SOUVENIR_ASSIGN_OR_RETURN(PlannedStage stage, PlanStage(command));
    stages.push_back(std::move(stage));
  }
  return stages;
}

std::string_view PackageOfProgram(std::string_view program) {
  return FindProgram(program)->package;
}

bool Translates(const std::vector<ModeCommand>& commands) {
  bool transfers = false;
  bool generates = false;
  for (const ModeCommand& command : commands) {
    transfers = transfers || command.program == "apertium-transfer";
    generates = generates || (command.program == "lt-proc" && command.takes_generation_flag);
  }
  return transfers && generates;
}

absl::StatusOr<std::vector<PlannedStage>> ReadPlan(const std::string& path) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMostModeBytes));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<ModeCommand> commands, ParseMode(text, path));
  return PlanStages(commands);
}

}  // namespace souvenir::compute
