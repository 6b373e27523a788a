#include "compute-service/workers/child_environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace souvenir::compute {
namespace {

constexpr const char* kInherited[] = {
    // Paths of programs and libraries, and directories that a program may write to.
    "PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CACHE_HOME",
    // Language and time.
    "LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR",
    // Threads, devices and memory of libraries.
    "OMP_*", "MKL_*", "KMP_*", "OPENBLAS_*", "NUMEXPR_*", "CUDA_*", "NVIDIA_*", "HIP_*", "ROCR_*",
    "MALLOC_*", "GLIBC_TUNABLES",
    // The network, for programs that download their weights.
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    // Sanitizers: worker programs are built with them if the service is.
    "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

bool Fits(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}

template <typename Patterns>
bool AnyFits(const Patterns& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return Fits(pattern, name); });
}

}  // namespace

absl::Span<const char* const> InheritedVariables() { return kInherited; }

std::vector<std::string> ChildEnvironment(absl::Span<const std::string> own,
                                          absl::Span<const std::string> inherit,
                                          const char* const* environment) {
  std::vector<std::string> built;
  std::set<std::string, std::less<>> names;
  const auto add = [&](std::string_view variable) {
    if (names.emplace(NameOf(variable)).second) built.emplace_back(variable);
  };
  for (const std::string& variable : own) add(variable);
  for (; *environment != nullptr; ++environment) {
    const std::string_view name = NameOf(*environment);
    if (AnyFits(InheritedVariables(), name) || AnyFits(inherit, name)) add(*environment);
  }
  return built;
}

std::string BeforeInheritedPath(const std::string& name, const std::string& value,
                                const char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable(*environment);
    if (NameOf(variable) != name || variable.size() <= name.size() + 1) continue;
    return fmt::format("{}:{}", value, variable.substr(name.size() + 1));
  }
  return value;
}

absl::Status CheckVariableName(const std::string& name) {
  const std::string_view letters =
      name.ends_with('*') ? std::string_view(name).substr(0, name.size() - 1) : name;
  const bool known = std::all_of(letters.begin(), letters.end(), [](unsigned char c) {
    return c < 0x80 && (isalnum(c) != 0 || c == '_');
  });
  if (!letters.empty() && known && isdigit(static_cast<unsigned char>(letters[0])) == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not the name of an environment variable: letters, digits and _ are "
                  "expected, and optionally * at the end",
                  name));
}

}  // namespace souvenir::compute
