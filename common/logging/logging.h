#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "common/logging/log_limit.h"

namespace spdlog {
class logger;
}

namespace souvenir {

enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError, kCritical, kOff };

// Whoever logs belongs to one of these; docs/configuration.md says what each tells.
inline constexpr std::string_view kLogModules[] = {
    "apertium", "cache", "catalog", "compute",    "disk",    "exec",    "gateway",  "grpc",
    "keeper",   "main",  "pool",    "repository", "request", "rocksdb", "upstream", "workers"};

struct LogOptions {
  // "trace", "debug", "info", "warning", "error", "critical" or "off".
  std::string level = "info";
  // The same of modules that are to tell more, or less.
  std::map<std::string, std::string> levels;
  // "text", "json" (one object a line), or "auto": text where standard error is a terminal.
  std::string format = "auto";
};

// Sets levels and format for the whole process; lines go to standard error. INVALID_ARGUMENT lists
// the words there are. Called once, by main, before threads start; without it the defaults hold.
absl::Status InitLogging(const LogOptions& options);

// Sets the levels anew; the format stays. At any time, on any thread. As InitLogging() where a word
// is wrong, and then nothing has changed.
absl::Status SetLogLevels(const LogOptions& options);

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
// Where somebody from outside can cause a line it has a limit, and says in `left_out` how many
// lines there would have been besides since the last one.
//
// Thread-safe. No value may hold a secret or a caller's text: log its length or fingerprint.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // `module` is one of kLogModules, or this does not compile.
  consteval explicit Logger(const char* module) : module_(module) {
    for (const std::string_view known : kLogModules) {
      if (known == module) return;
    }
    throw "no such module in kLogModules";
  }

  // Whether a line of `level` would be written: where it is expensive to make one.
  bool Writes(LogLevel level);

  void Write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
    Write(level, message, fields.data(), fields.size());
  }
  void Write(LogLimit& limit, LogLevel level, std::string_view message,
             std::vector<LogField> fields);

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
  void Info(LogLimit& limit, std::string_view message, Fields fields = {}) {
    Write(limit, LogLevel::kInfo, message, fields);
  }
  void Warning(LogLimit& limit, std::string_view message, Fields fields = {}) {
    Write(limit, LogLevel::kWarning, message, fields);
  }
  void Error(LogLimit& limit, std::string_view message, Fields fields = {}) {
    Write(limit, LogLevel::kError, message, fields);
  }
  void Critical(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kCritical, message, fields);
  }

 private:
  void Write(LogLevel level, std::string_view message, Fields fields) {
    Write(level, message, fields.begin(), fields.size());
  }
  void Write(LogLevel level, std::string_view message, const LogField* fields, size_t count);
  spdlog::logger* Get();

  const char* const module_;
  std::atomic<spdlog::logger*> logger_{nullptr};  // the registry's, which lives for ever
};

}  // namespace souvenir
