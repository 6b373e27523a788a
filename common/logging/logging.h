#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"

namespace spdlog {
class logger;
}

namespace souvenir {

enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError, kCritical, kOff };

struct LogOptions {
  // "trace", "debug", "info", "warning", "error", "critical" or "off".
  std::string level = "info";
  // "text", "json" (one object a line), or "auto": text where standard error is a terminal.
  std::string format = "auto";
};

// Sets level and format for the whole process; lines go to standard error. INVALID_ARGUMENT lists
// the words there are. Called once, by main, before threads start; without it the defaults hold.
absl::Status InitLogging(const LogOptions& options);

// What belongs to a line of log beside its message. A key or a string that is a temporary lives
// long enough.
struct LogField {
  LogField(std::string_view key, std::string_view value) : key(key), value(value) {}
  LogField(std::string_view key, const char* value) : key(key), value(std::string_view(value)) {}
  LogField(std::string_view key, const std::string& value)
      : key(key), value(std::string_view(value)) {}
  template <typename T>
  requires std::is_arithmetic_v<T> LogField(std::string_view key, T number) : key(key) {
    if constexpr (std::is_same_v<T, bool>) {
      value = number;
    } else if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<double>(number);
    } else {
      value = static_cast<int64_t>(number);
    }
  }

  std::string_view key;
  std::variant<std::string_view, int64_t, double, bool> value;
};

// One module's log. Meant to be a constant of a .cc file:
//
//   constinit Logger log{"catalog"};
//   log.Info("models learned", {{"models", 12}, {"server", address}});
//
// Thread-safe. No value may hold a secret or a caller's text: log its length or fingerprint.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // `module` must live for ever.
  constexpr explicit Logger(const char* module) : module_(module) {}

  void Debug(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kInfo, message, fields);
  }
  void Warning(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kWarning, message, fields);
  }
  void Error(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kError, message, fields);
  }
  void Critical(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kCritical, message, fields);
  }

 private:
  void Write(LogLevel level, std::string_view message, Fields fields);
  spdlog::logger* Get();

  const char* const module_;
  std::atomic<spdlog::logger*> logger_{nullptr};  // the registry's, which lives for ever
};

}  // namespace souvenir
