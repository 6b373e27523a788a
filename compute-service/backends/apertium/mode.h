#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace souvenir::compute {

// One command of a mode's pipeline.
struct ModeCommand {
  std::string program;                 // without its directory
  std::vector<std::string> arguments;  // options and files, unquoted
  // Whether the mode leaves it to the caller how unknown words are marked ("$1"). `arguments` then
  // has "-n" in that place, no marks, as `apertium -u` has it.
  bool takes_generation_flag = false;
};

// The commands of a mode file, which is a shell pipeline. Understood are words, quotes,
// backslashes,
// `$1` (see above) and `$2`, which `apertium` leaves empty and which is dropped. UNIMPLEMENTED
// names what else a shell would interpret; INVALID_ARGUMENT says what is no pipeline at all. `name`
// stands for the mode in messages.
absl::StatusOr<std::vector<ModeCommand>> ParseMode(std::string_view text, std::string_view name);

// Bytes of a mode file; those that are installed have some hundred.
inline constexpr uint64_t kMostModeBytes = 1 << 20;

// What the worker does in place of a command: calls a library, all but one.
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
  kProgram,  // a program that has no library: kept running, and given one text after another
};

struct PlannedStage {
  StageKind kind;
  std::string options;  // letters, as in "bc"; without those that make no difference here
  std::vector<std::string> files;  // as many as the kind and its options need
  std::string program;             // of kProgram: its name, "cg-proc"

  bool Has(char option) const { return options.find(option) != std::string::npos; }
};

// Stages that do what the commands do. UNIMPLEMENTED names the first program or option that the
// worker does not cover; INVALID_ARGUMENT a command with too few or too many files.
absl::StatusOr<std::vector<PlannedStage>> PlanStages(const std::vector<ModeCommand>& commands);

// The Debian package of a kProgram. REQUIRES: `program` is of a stage that PlanStages() made.
std::string_view PackageOfProgram(std::string_view program);

// Whether the commands translate text into text: there are transfer and a generation whose marks
// are the caller's choice.
bool Translates(const std::vector<ModeCommand>& commands);

// Both steps from a file. NOT_FOUND or PERMISSION_DENIED where it cannot be read.
absl::StatusOr<std::vector<PlannedStage>> ReadPlan(const std::string& path);

}  // namespace souvenir::compute
