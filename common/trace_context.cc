#include "common/trace_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <system_error>

namespace souvenir {
namespace {

constexpr std::string_view kParentName = "traceparent";
constexpr std::string_view kStateName = "tracestate";
constexpr std::string_view kRequestIdName = "x-request-id";

// The standard requires that at least 512 bytes are passed on.
constexpr size_t kMostStateBytes = 512;
constexpr size_t kMostRequestIdBytes = 128;

// Reads hex digits. Returns false if there is any other character; the standard allows only lower
// case.
template <typename Number>
bool ReadHex(std::string_view text, Number* number) {
  const bool lower = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  const char* const end = text.data() + text.size();
  return lower && std::from_chars(text.data(), end, *number, 16).ptr == end;
}

// Returns a number other than 0 that is unlikely to repeat. It is not cryptographically random.
uint64_t RandomNumber() {
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  uint64_t number;
  do {
    number = random();
  } while (number == 0);
  return number;
}

// Returns true if `value` can be written into a log line and a header without escapes.
bool IsRequestId(std::string_view value) {
  return !value.empty() && value.size() <= kMostRequestIdBytes &&
         std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

std::optional<TraceContext> TraceContext::ParseParent(std::string_view header) {
  constexpr size_t kLength = 55;
  // A future version may add fields after another dash.
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-') {
    return std::nullopt;
  }
  const std::string_view version = header.substr(0, 2);
  uint8_t version_number = 0;
  if (!ReadHex(version, &version_number) || version == "ff") return std::nullopt;
  if (header.size() > kLength && (version == "00" || header[kLength] != '-')) return std::nullopt;
  TraceContext trace;
  uint64_t parent = 0;
  const bool is_read = ReadHex(header.substr(3, 16), &trace.trace_id_[0]) &&
                       ReadHex(header.substr(19, 16), &trace.trace_id_[1]) &&
                       ReadHex(header.substr(36, 16), &parent) &&
                       ReadHex(header.substr(53, 2), &trace.flags_);
  if (!is_read || !trace.has_trace() || parent == 0) return std::nullopt;
  trace.flags_ &= 1;  // the other flags are undefined and must not be passed on
  return trace;
}

bool TraceContext::Take(std::string_view name, std::string_view value) {
  if (name == kParentName) {
    if (const auto parent = ParseParent(value)) {
      trace_id_ = parent->trace_id_;
      flags_ = parent->flags_;
    }
    return true;
  }
  if (name == kStateName) {
    if (value.size() <= kMostStateBytes) state_ = value;
    return true;
  }
  if (name == kRequestIdName) {
    if (IsRequestId(value)) request_id_ = value;
    return true;
  }
  return false;
}

void TraceContext::Begin() {
  if (!has_trace()) trace_id_ = {RandomNumber(), RandomNumber()};
}

std::string TraceContext::trace_id() const {
  return has_trace() ? fmt::format("{:016x}{:016x}", trace_id_[0], trace_id_[1]) : "";
}

std::vector<std::pair<std::string, std::string>> TraceContext::Headers() const {
  std::vector<std::pair<std::string, std::string>> headers;
  if (has_trace()) {
    headers.emplace_back(kParentName,
                         fmt::format("00-{}-{:016x}-{:02x}", trace_id(), RandomNumber(), flags_));
    if (!state_.empty()) headers.emplace_back(kStateName, state_);
  }
  if (!request_id_.empty()) headers.emplace_back(kRequestIdName, request_id_);
  return headers;
}

}  // namespace souvenir
