#include "cli/cache_clear_command.h"

#include <fmt/format.h>

#include <memory>

#include "cli/connection.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "souvenir/v1/cache.grpc.pb.h"

namespace souvenir::cli {

Outcome CacheClear(const CacheClearOptions& options, const Settings& settings, Console& console) {
  souvenir::v1::InvalidateRequest request;
  std::string what;
  if (options.key) {
    request.set_key(*options.key);
    what = "the entry " + *options.key;
  } else if (options.model) {
    request.set_model(*options.model);
    what = "every answer of " + *options.model;
  } else if (options.tag) {
    request.set_tag(*options.tag);
    what = "every answer with the tag " + *options.tag;
  } else if (options.tenant) {
    request.set_tenant(*options.tenant);
    what = options.tenant->empty() ? "every answer without a tenant"
                                   : "every answer of the tenant " + *options.tenant;
  } else {
    if (console.in_is_terminal && !options.yes) {
      return Outcome::Usage(
          "this forgets every answer, of every model; say --yes if you mean it, or --model, "
          "--tag, --tenant or --key");
    }
    request.set_all(true);
    what = "every answer";
  }

  Connection connection(settings.ToAdmin(), console.clock);
  const auto stub = souvenir::v1::CacheService::NewStub(connection.channel());
  souvenir::v1::InvalidateResponse response;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->Invalidate(context, request, &response); });
  if (!outcome.ok()) return outcome;
  if (settings.json) {
    console.out << ToJson(response) << '\n';
  } else {
    console.out << fmt::format("Forgot {} ({}).\n", Printable(what),
                               HumanDuration(connection.elapsed()));
  }
  return {};
}

}  // namespace souvenir::cli
