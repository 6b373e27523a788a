#include "cli/languages_command.h"

#include <memory>

#include "cli/connection.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "souvenir/v1/translation.grpc.pb.h"

namespace souvenir::cli {

using souvenir::v1::LanguagePair;
using souvenir::v1::ListLanguagesResponse;

Outcome Languages(const LanguagesOptions& options, const Settings& settings, Console& console) {
  Connection connection(settings.ToServer(), souvenir::v1::TranslationService::service_full_name(),
                        console.clock);
  const auto stub = souvenir::v1::TranslationService::NewStub(connection.channel());
  ListLanguagesResponse all;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->ListLanguages(context, {}, &all); });
  if (!outcome.ok()) return outcome;

  ListLanguagesResponse response;
  for (const LanguagePair& pair : all.pairs()) {
    if (!options.source.empty() && pair.source_language() != options.source) continue;
    if (!options.target.empty() && pair.target_language() != options.target) continue;
    *response.add_pairs() = pair;
  }
  if (settings.json) {
    console.out << ToJson(response) << '\n';
  } else {
    Table table({Table::Align::kLeft, Table::Align::kLeft, Table::Align::kLeft});
    table.Add({"from", "to", "model"});
    for (const LanguagePair& pair : response.pairs()) {
      table.Add({Printable(pair.source_language()), Printable(pair.target_language()),
                 Printable(pair.model())});
    }
    if (!response.pairs().empty()) console.out << table.Render();
  }
  if (!response.pairs().empty()) return {};
  return {ExitCode::kFailed,
          all.pairs().empty() ? "the gateway knows no language pair: is souvenir-compute running?"
                              : "no pair matches; `souvenir languages` lists those there are"};
}

}  // namespace souvenir::cli
