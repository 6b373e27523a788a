#include <string>

#include "cli/arguments.h"
#include "cli/command_tree.h"

// The commands about models.

namespace souvenir::cli {
namespace {

// Only the name of an input must be UTF-8. Its value may be bytes.
std::string WrongNameOfInput(const std::string& input) {
  return WrongText(input.substr(0, input.find('=')));
}

void AddInfer(CommandTree* tree, Console* console) {
  CLI::App* command = tree->app.add_subcommand(
      "infer", "Ask any model of any server of the Open Inference Protocol");
  InferOptions& options = tree->infer;
  command->add_option("MODEL", options.model, "Its name, as `souvenir models` lists it")
      ->type_name("")
      ->required();
  tree->bytes.insert(AddWords(
      command, "VALUE", &options.values,
      "Of a model with one input: its elements; without any, or for -, a text from standard "
      "input"));
  tree->bytes.insert(
      command
          ->add_option("-i,--input", options.inputs,
                       "NAME=VALUE (for numbers also 1,2,3; given again: more rows), NAME:=JSON, "
                       "NAME=@FILE")
          ->type_name("NAME=VALUE")
          ->allow_extra_args(false)
          ->check(CLI::Validator(WrongNameOfInput, "")));
  command
      ->add_option("-d,--data", options.data,
                   "All inputs as JSON: {\"NAME\": [...]}, or the protocol's REST form; -: "
                   "standard input")
      ->type_name("FILE");
  command->add_option("-p,--parameter", options.parameters, "NAME=VALUE, or NAME:=JSON")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  AddList(command, "-o,--output", &options.outputs, "Only this one; may be given again, or as a,b")
      ->type_name("NAME");
  command->add_option("--model-version", options.version, "Default: the newest that is ready")
      ->type_name("VERSION");
  AddRequestFlags(command, &options.request);
  command->add_flag("-v,--verbose", options.verbose, "Tell where the answer came from");
  command->add_flag("-q,--quiet", options.quiet, "Print nothing but the elements of the outputs");
  command->callback([tree, console] {
    tree->command = [tree, console] { return Infer(tree->infer, tree->settings, *console); };
  });
}

void AddModels(CommandTree* tree, Console* console) {
  CLI::App* models = tree->app.add_subcommand(
      "models", "List the models of the gateway, or of any server of the Open Inference Protocol");
  models->add_option("NAME", tree->models.name, "Only this one")->type_name("");
  models->callback([tree, console, models] {
    if (!models->get_subcommands().empty()) return;
    tree->command = [tree, console] { return Models(tree->models, tree->settings, *console); };
  });

  CLI::App* load =
      models->add_subcommand("load", "Load a model, or load it again, by way of the admin port");
  load->add_option("NAME", tree->loading.name, "Which")->type_name("")->required();
  // CLI11 gives a second name to `models`, which would ignore it.
  const auto refuse_second = [tree] {
    if (!tree->models.name.empty()) throw CLI::ExtrasError({tree->models.name});
  };
  load->callback([tree, console, refuse_second] {
    refuse_second();
    tree->command = [tree, console] { return LoadModel(tree->loading, tree->settings, *console); };
  });

  CLI::App* unload = models->add_subcommand(
      "unload", "Unload a model: it is refused until it is loaded again, and its answers are kept");
  unload->add_option("NAME", tree->loading.name, "Which")->type_name("")->required();
  unload->callback([tree, console, refuse_second] {
    refuse_second();
    tree->command = [tree, console] {
      return UnloadModel(tree->loading, tree->settings, *console);
    };
  });
}

}  // namespace

void AddModelCommands(CommandTree* tree, Console* console) {
  AddInfer(tree, console);
  AddModels(tree, console);
}

}  // namespace souvenir::cli
