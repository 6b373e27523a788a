#include "cli/provenance_view.h"

#include <fmt/format.h>

#include "absl/status/status.h"
#include "cli/cache_kind.h"
#include "cli/printable.h"
#include "cli/time_conversion.h"

namespace souvenir::cli {

std::string KindCounts::Text() const {
  std::string text;
  for (const auto& [kind, count] : kinds_) {
    text += fmt::format("{}{} {}", text.empty() ? ": " : ", ", count, CacheKindName(kind));
  }
  if (failed_ > 0) text += fmt::format("{}{} failed", text.empty() ? ": " : ", ", failed_);
  return text;
}

std::string ProvenanceDetails(const souvenir::v1::Provenance& provenance,
                              const std::string& models) {
  return fmt::format(
      "model {} version {}, computed {} ago in {}\nkey {}",
      models.empty() ? Printable(provenance.model()) : models,
      provenance.model_version().empty() ? "?" : Printable(provenance.model_version()),
      HumanDuration(FromProto(provenance.age())),
      HumanDuration(FromProto(provenance.compute_time())),
      provenance.key().empty() ? "-" : Printable(provenance.key()));
}

std::string StatusText(const souvenir::v1::Status& status) {
  const auto code = static_cast<absl::StatusCode>(status.code());
  return fmt::format("{}: {}", absl::StatusCodeToString(code), Printable(status.message()));
}

}  // namespace souvenir::cli
