#include "cli/voices_command.h"

#include <memory>

#include "cli/connection.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::cli {

using souvenir::v1::ListRecognizersResponse;
using souvenir::v1::ListVoicesRequest;
using souvenir::v1::ListVoicesResponse;
using souvenir::v1::Recognizer;
using souvenir::v1::SpeechService;
using souvenir::v1::Voice;

Outcome Voices(const VoicesOptions& options, const Settings& settings, Console& console) {
  Connection connection(settings.ToServer(), SpeechService::service_full_name(), console.clock);
  const auto stub = SpeechService::NewStub(connection.channel());
  ListVoicesRequest request;
  request.set_language(options.language);
  ListVoicesResponse response;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->ListVoices(context, request, &response); });
  if (!outcome.ok()) return outcome;
  if (settings.json) {
    console.out << ToJson(response) << '\n';
  } else if (!response.voices().empty()) {
    Table table(std::vector<Table::Align>(4, Table::Align::kLeft));
    table.Add({"voice", "language", "model", "description"});
    for (const Voice& voice : response.voices()) {
      table.Add({Printable(voice.name()), Printable(voice.language()), Printable(voice.model()),
                 Printable(voice.description())});
    }
    console.out << table.Render();
  }
  if (!response.voices().empty()) return {};
  return {ExitCode::kFailed, options.language.empty()
                                 ? "the gateway knows no voice: is a model that speaks loaded?"
                                 : "no voice speaks '" + options.language +
                                       "'; `souvenir voices` lists those there are"};
}

Outcome Recognizers(const Settings& settings, Console& console) {
  Connection connection(settings.ToServer(), SpeechService::service_full_name(), console.clock);
  const auto stub = SpeechService::NewStub(connection.channel());
  ListRecognizersResponse response;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->ListRecognizers(context, {}, &response); });
  if (!outcome.ok()) return outcome;
  if (settings.json) {
    console.out << ToJson(response) << '\n';
  } else if (!response.recognizers().empty()) {
    Table table(std::vector<Table::Align>(2, Table::Align::kLeft));
    table.Add({"language", "model"});
    for (const Recognizer& recognizer : response.recognizers()) {
      table.Add({Printable(recognizer.language()), Printable(recognizer.model())});
    }
    console.out << table.Render();
  }
  if (!response.recognizers().empty()) return {};
  return {ExitCode::kFailed,
          "the gateway knows no recogniser: is a model that recognises speech loaded?"};
}

}  // namespace souvenir::cli
