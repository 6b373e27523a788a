#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/request_options.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct InferOptions {
  std::string model;
  std::string version;                  // empty: the server chooses
  std::vector<std::string> values;      // elements of the only input
  std::vector<std::string> inputs;      // NAME=VALUE, NAME:=JSON, NAME=@FILE
  std::string data;                     // file of JSON, "-": standard input; empty: none
  std::vector<std::string> parameters;  // NAME=VALUE, NAME:=JSON
  std::vector<std::string> outputs;     // names; none: all
  RequestOptions request;
  bool verbose = false;  // tell where the answer came from
  bool quiet = false;    // nothing but the elements
};

// Asks any model of any server of the Open Inference Protocol. The model's metadata gives the names
// and types of the inputs. Prints the outputs as tables of their elements, or with --json in the
// protocol's REST form.
Outcome Infer(const InferOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
