#include "gateway/rpc/call_options.h"

#include <fmt/format.h>
#include <grpcpp/server_context.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/grpc/caller.h"
#include "common/model_name.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

// Every hit checks each tag of its entry.
constexpr size_t kMaxTags = 16;
constexpr size_t kMaxNameBytes = 256;

absl::Status CheckSize(std::string_view header, std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: a name of {} bytes came, 1 to {} are expected",
                                                header, name.size(), kMaxNameBytes));
}

// Names are in messages, metrics and logs.
absl::Status CheckLetters(std::string_view header, std::string_view name) {
  const std::string_view fault = FaultOfName(name);
  if (fault.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: '{}' is no name: {}", header, EscapedName(name), fault));
}

std::string_view WithoutBlanks(std::string_view text) {
  const absl::string_view rest =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
  return {rest.data(), rest.size()};
}

absl::Status ParseTags(std::string_view header, std::vector<std::string>* tags) {
  for (const absl::string_view part :
       absl::StrSplit(absl::string_view(header.data(), header.size()), ',')) {
    const std::string_view tag = WithoutBlanks({part.data(), part.size()});
    SOUVENIR_RETURN_IF_ERROR(CheckTag("souvenir-tags", tag));
    tags->emplace_back(tag);
  }
  if (tags->size() <= kMaxTags) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("souvenir-tags: {} tags came, and the limit is {}", tags->size(), kMaxTags));
}

}  // namespace

absl::Status CheckTag(std::string_view field, std::string_view tag) {
  SOUVENIR_RETURN_IF_ERROR(CheckSize(field, tag));
  const bool is_one = tag.find(',') == std::string_view::npos && WithoutBlanks(tag) == tag;
  if (is_one) return CheckLetters(field, tag);
  return absl::InvalidArgumentError(fmt::format(
      "{}: '{}' came, and a tag without commas, and without blanks at its ends, is expected", field,
      tag));
}

absl::Status CheckTenant(std::string_view field, std::string_view tenant) {
  SOUVENIR_RETURN_IF_ERROR(CheckSize(field, tenant));
  return CheckLetters(field, tenant);
}

absl::Status ReadCallMetadata(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                              bool trust_tenant, CallOptions* options) {
  std::optional<std::string> cache_control;
  bool has_tenant = false;
  for (const auto& [name, bytes] : metadata) {
    const std::string_view value(bytes.data(), bytes.size());
    if (name == "cache-control") {
      cache_control =
          cache_control ? fmt::format("{}, {}", *cache_control, value) : std::string(value);
    } else if (name == "souvenir-tags") {
      SOUVENIR_RETURN_IF_ERROR(ParseTags(value, &options->resolve.tags));
    } else if (name == kTenantHeader && !trust_tenant) {
      options->ignores_tenant = true;
    } else if (name == kTenantHeader) {
      if (std::exchange(has_tenant, true)) {
        return absl::InvalidArgumentError(
            "souvenir-tenant: the header came several times, and one is expected");
      }
      SOUVENIR_RETURN_IF_ERROR(CheckTenant("souvenir-tenant", value));
      options->tenant = value;
    } else {
      options->resolve.trace.Take({name.data(), name.size()}, value);
    }
  }
  if (cache_control) {
    SOUVENIR_ASSIGN_OR_RETURN(options->resolve.cache, ParseCacheControl(*cache_control));
  }
  return absl::OkStatus();
}

absl::Status ReadCallOptions(bool trust_tenant, const Clock& clock,
                             grpc::CallbackServerContext* context, CallOptions* options) {
  options->resolve.deadline = MonotonicDeadline(*context, clock);
  const absl::Status read = ReadCallMetadata(context->client_metadata(), trust_tenant, options);
  if (options->ignores_tenant) context->AddInitialMetadata(kTenantHeader, kTenantIgnored);
  return read;
}

}  // namespace souvenir::gateway
