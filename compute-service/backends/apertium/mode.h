#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace souvenir::compute {

// A command of a mode's pipeline.
struct ModeCommand {
  std::string program;                 // name without directory
  std::vector<std::string> arguments;  // options and files, unquoted
  // True if the mode lets the caller choose how unknown words are marked ("$1"). `arguments` then
  // has "-n" (no marks) in that place, as with `apertium -u`.
  bool takes_generation_flag = false;
};

// Parses a mode file, which is a shell pipeline, into its commands. It supports words, quotes,
// backslashes, `$1` (see ModeCommand) and `$2`, which `apertium` leaves empty and which is dropped.
// `name` is the mode's name for messages. UNIMPLEMENTED names unsupported shell syntax;
// INVALID_ARGUMENT if the text is not a pipeline.
absl::StatusOr<std::vector<ModeCommand>> ParseMode(std::string_view text, std::string_view name);

// Longest mode file in bytes; installed ones have some hundred.
inline constexpr uint64_t kMostModeBytes = 1 << 20;

// The worker's substitutes for commands. All except kProgram are calls of a library.
enum class StageKind {
  kAnalysis,          // lt-proc, lt-proc -a
  kDecomposition,     // lt-proc -e
  kBilingual,         // lt-proc -b
  kGeneration,        // lt-proc -g, -n
  kPostgeneration,    // lt-proc -p
  kTransliteration,   // lt-proc -t, -x
  kTagger,            // apertium-tagger -g
  kPerceptronTagger,  // apertium-tagger -gx
  kPretransfer,       // apertium-pretransfer
  kTransfer,          // apertium-transfer
  kInterchunk,        // apertium-interchunk
  kPostchunk,         // apertium-postchunk
  kLexicalSelection,  // lrx-proc
  kProgram,           // a program without a library, kept running for one text after another
};

struct PlannedStage {
  StageKind kind;
  std::string options;             // letters, as in "bc", without those that make no difference
  std::vector<std::string> files;  // exactly as many as the kind and its options need
  std::string program;             // name of a kProgram, as in "cg-proc"; otherwise empty

  bool Has(char option) const { return options.find(option) != std::string::npos; }
};

// Returns stages that do the work of the commands. UNIMPLEMENTED names the first program or option
// that the worker does not cover; INVALID_ARGUMENT names a command with too few or too many files.
absl::StatusOr<std::vector<PlannedStage>> PlanStages(const std::vector<ModeCommand>& commands);

// Returns the Debian package of a kProgram. REQUIRES: `program` comes from PlanStages().
std::string_view PackageOfProgram(std::string_view program);

// Returns true if the commands translate text into text: they include transfer, and generation
// whose marks the caller chooses.
bool Translates(const std::vector<ModeCommand>& commands);

// Reads a mode file and plans its stages (ParseMode() and PlanStages()). In addition to their
// errors, NOT_FOUND, PERMISSION_DENIED or INTERNAL if the file cannot be read.
absl::StatusOr<std::vector<PlannedStage>> ReadPlan(const std::string& path);

}  // namespace souvenir::compute
