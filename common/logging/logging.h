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

// The modules that log; docs/configuration.md describes them.
inline constexpr std::string_view kLogModules[] = {
    "apertium", "cache",   "catalog", "compute",  "disk",   "exec",
    "gateway",  "grpc",    "keeper",  "main",     "pool",   "repository",
    "request",  "rocksdb", "tasks",   "upstream", "workers"};

struct LogOptions {
  // "trace", "debug", "info", "warning", "error", "critical" or "off".
  std::string level = "info";
  // Levels of single modules, in place of `level`.
  std::map<std::string, std::string> levels;
  // "text", "json" (one object per line), or "auto": text if standard error is a terminal.
  std::string format = "auto";
};

// Sets the levels and the format of the whole process. Lines go to standard error. INVALID_ARGUMENT
// lists the allowed words. REQUIRES: called at most once, before threads start. Without the call
// the defaults of LogOptions apply.
absl::Status InitLogging(const LogOptions& options);

// Replaces the levels and keeps the format. Thread-safe. See InitLogging() for errors; on an error
// nothing changes.
absl::Status SetLogLevels(const LogOptions& options);

// A field of a log line besides its message. Refers to its key and text, which may be temporaries
// of the call that logs.
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

// The log of one module. A constant of a .cc file:
//
//   constinit Logger log{"catalog"};
//   log.Info("models learned", {{"models", 12}, {"server", address}});
//
// Lines that somebody outside can cause need a LogLimit. The next line then has a field `left_out`,
// the number of lines left out since the last one.
//
// Thread-safe. No value may have a secret or a caller's text: log its length or fingerprint.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // `module` must be one of kLogModules; the compiler checks it.
  consteval explicit Logger(const char* module) : module_(module) {
    for (const std::string_view known : kLogModules) {
      if (known == module) return;
    }
    throw "no such module in kLogModules";
  }

  // Returns true if a line of `level` would be written. For lines that are expensive to make.
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
  std::atomic<spdlog::logger*> logger_{nullptr};  // spdlog's registry owns it for ever
};

}  // namespace souvenir
