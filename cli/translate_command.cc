#include "cli/translate_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "cli/connection.h"
#include "cli/in_order.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/text_input.h"
#include "cli/translation_view.h"
#include "souvenir/v1/translation.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::TranslateRequest;
using souvenir::v1::TranslateResponse;
using souvenir::v1::Translation;
using souvenir::v1::TranslationService;

std::variant<TranslateRequest, Outcome> MakeRequest(const TranslateOptions& options,
                                                    Console& console) {
  TranslateRequest request;
  request.set_source_language(options.source);
  request.set_engine(options.engine);
  for (const std::string& target : options.targets) request.add_target_languages(target);
  auto text = ReadText(options.text, console);
  if (auto* outcome = std::get_if<Outcome>(&text)) return *std::move(outcome);
  request.set_text(std::get<std::string>(std::move(text)));
  return request;
}

Outcome PrintJson(const TranslateRequest& request, const RequestOptions& options,
                  Connection* connection, Console& console) {
  const auto stub = TranslationService::NewStub(connection->channel());
  TranslateResponse response;
  Outcome outcome = connection->Call([&](grpc::ClientContext* context) {
    AddMetadata(options, context);
    const grpc::Status status = stub->Translate(context, request, &response);
    if (status.ok()) TellIgnored(options, *context, console.err);
    return status;
  });
  if (!outcome.ok()) return outcome;
  console.out << ToJson(response) << '\n';
  const auto failed =
      std::count_if(response.translations().begin(), response.translations().end(),
                    [](const Translation& each) { return each.status().code() != 0; });
  if (failed == 0) return {};
  return {ExitCode::kFailed,
          fmt::format("{} of {} targets failed", failed, response.translations_size())};
}

// Prints the text alone, or an empty line for a target that failed; its error is in `lines`.
void PrintQuietly(const Translation& translation, const std::string& lines, Console& console) {
  const bool failed = translation.status().code() != 0;
  if (failed) console.err << lines << std::flush;
  console.out << (failed                    ? std::string()
                  : console.out_is_terminal ? PrintableLines(translation.text(), 0)
                                            : translation.text())
              << '\n'
              << std::flush;
}

}  // namespace

Outcome Translate(const TranslateOptions& options, const Settings& settings, Console& console) {
  const auto made = MakeRequest(options, console);
  if (const auto* outcome = std::get_if<Outcome>(&made)) return *outcome;
  const auto& request = std::get<TranslateRequest>(made);
  Connection connection(settings.ToServer(), TranslationService::service_full_name(),
                        console.clock);
  if (settings.json) return PrintJson(request, options.request, &connection, console);

  TranslationView::Options view_options{.verbose = options.verbose};
  for (const std::string& target : options.targets) {
    view_options.target_width = std::max(view_options.target_width, DisplayWidth(target));
  }
  TranslationView view(view_options);
  InOrder in_order(options.targets);
  const auto print = [&](const std::vector<InOrder::Arrival>& arrivals) {
    for (const auto& [translation, time] : arrivals) {
      const std::string lines = view.Show(translation, time);
      if (options.quiet) {
        PrintQuietly(translation, lines, console);
      } else {
        console.out << lines << std::flush;
      }
    }
  };
  const auto stub = TranslationService::NewStub(connection.channel());
  Outcome outcome = connection.Call([&](grpc::ClientContext* context) {
    AddMetadata(options.request, context);
    const absl::Duration start = console.clock->Monotonic();
    const auto reader = stub->StreamTranslate(context, request);
    Translation translation;
    while (reader->Read(&translation)) {
      print(in_order.Add({std::move(translation), console.clock->Monotonic() - start}));
    }
    const grpc::Status status = reader->Finish();
    if (status.ok()) TellIgnored(options.request, *context, console.err);
    return status;
  });
  print(in_order.Rest());
  if (!outcome.ok()) return outcome;
  if (!options.quiet) console.out << view.Summary(connection.elapsed());
  return view.Result();
}

}  // namespace souvenir::cli
