#include "cli/cache_clear_command.h"

#include <fmt/format.h>

#include <memory>

#include "cli/confirm.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/known_models.h"
#include "cli/printable.h"
#include "souvenir/v1/cache.grpc.pb.h"

namespace souvenir::cli {
namespace {

struct Scope {
  souvenir::v1::InvalidateRequest request;
  std::string what;    // "every answer of m"
  bool asked = false;  // so much is forgotten that a person is asked first
};

Scope ScopeOf(const CacheClearOptions& options) {
  Scope scope;
  if (options.key) {
    scope.request.set_key(*options.key);
    scope.what = "the entry " + *options.key;
  } else if (options.model) {
    scope.request.set_model(*options.model);
    scope.what = "every answer of " + *options.model;
  } else if (options.tag) {
    scope.request.set_tag(*options.tag);
    scope.what = "every answer with the tag " + *options.tag;
  } else if (options.tenant) {
    scope.request.set_tenant(*options.tenant);
    // This is everything if tenants are not told apart, and may be an unset variable of a script.
    scope.asked = options.tenant->empty();
    scope.what = options.tenant->empty() ? "every answer without a tenant"
                                         : "every answer of the tenant " + *options.tenant;
  } else {
    scope.request.set_all(true);
    scope.asked = true;
    scope.what = "every answer, of every model";
  }
  return scope;
}

Outcome NothingMatched(const CacheClearOptions& options, Connection* connection) {
  if (options.key) return {ExitCode::kFailed, "no entry has the key " + *options.key};
  if (options.tenant) {
    return {ExitCode::kFailed,
            fmt::format("no answer of the tenant '{}' is remembered", *options.tenant)};
  }
  const std::string model = options.model.value_or("");
  return {ExitCode::kFailed,
          fmt::format("no model '{}' is known{}; `souvenir models` lists those there are", model,
                      NearestModel(model, connection))};
}

}  // namespace

Outcome CacheClear(const CacheClearOptions& options, const Settings& settings, Console& console) {
  const Scope scope = ScopeOf(options);
  if (scope.asked) {
    Outcome confirmed =
        Confirm("this forgets " + scope.what, "Forget " + scope.what + "?", options.yes, console);
    if (!confirmed.ok()) return confirmed;
  }
  Connection connection(settings.ToAdmin(), souvenir::v1::CacheService::service_full_name(),
                        console.clock);
  const auto stub = souvenir::v1::CacheService::NewStub(connection.channel());
  souvenir::v1::InvalidateResponse response;
  Outcome outcome = connection.Call([&](grpc::ClientContext* context) {
    return stub->Invalidate(context, scope.request, &response);
  });
  if (!outcome.ok()) return outcome;
  const absl::Duration elapsed = connection.elapsed();
  if (settings.json) console.out << ToJson(response) << '\n';
  if (response.match() == souvenir::v1::INVALIDATE_MATCH_NOTHING) {
    return NothingMatched(options, &connection);
  }
  if (!settings.json) {
    const bool is_known = response.match() == souvenir::v1::INVALIDATE_MATCH_FOUND;
    console.out << fmt::format("Forgot {}{} ({}).\n", Printable(scope.what),
                               is_known ? "" : ", if there was any", HumanDuration(elapsed));
  }
  return {};
}

}  // namespace souvenir::cli
