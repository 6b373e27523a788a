#include "common/logging/logging.h"

#include <fmt/format.h>
#include <spdlog/details/registry.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "absl/types/span.h"
#include "common/escape_controls.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

// Times are UTC in the format of RFC 3339.
constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %^%-8l%$ %n: %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","module":"%n",%v})";

// Set before threads start, then only read.
bool json_lines = false;

absl::StatusOr<spdlog::level::level_enum> ParseLevel(const std::string& name) {
  const auto level = spdlog::level::from_str(name);
  // from_str() returns "off" for an unknown word.
  if (level != spdlog::level::off || name == "off") return level;
  return absl::InvalidArgumentError(fmt::format(
      "unknown log level '{}'; it must be trace, debug, info, warning, error, critical or off",
      name));
}

// Control characters are shown, so that no field can begin a line of its own or steer a terminal.
std::string TextLine(std::string_view message, absl::Span<const LogField> fields) {
  std::string line(message);
  for (const LogField& field : fields) {
    std::visit(
        [&](const auto& value) {
          fmt::format_to(std::back_inserter(line), " {}={}", field.key, value);
        },
        field.value);
  }
  return EscapeControls(line);
}

// Returns the fields of a JSON object without its braces, which are in the pattern.
std::string JsonLine(std::string_view message, absl::Span<const LogField> fields) {
  nlohmann::ordered_json object;
  object["message"] = message;
  for (const LogField& field : fields) {
    std::visit([&](const auto& value) { object[std::string(field.key)] = value; }, field.value);
  }
  // Bytes that are not UTF-8 are replaced, so that every line can be written.
  const std::string line = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return line.substr(1, line.size() - 2);
}

}  // namespace

absl::Status InitLogging(const LogOptions& options) {
  if (options.format != "auto" && options.format != "text" && options.format != "json") {
    return absl::InvalidArgumentError(
        fmt::format("unknown log format '{}'; it must be auto, text or json", options.format));
  }
  SOUVENIR_RETURN_IF_ERROR(SetLogLevels(options));
  json_lines = options.format == "json" || (options.format == "auto" && !isatty(STDERR_FILENO));
  return absl::OkStatus();
}

absl::Status SetLogLevels(const LogOptions& options) {
  SOUVENIR_ASSIGN_OR_RETURN(spdlog::level::level_enum level, ParseLevel(options.level));
  std::unordered_map<std::string, spdlog::level::level_enum> levels;
  for (const auto& [module, name] : options.levels) {
    if (std::find(std::begin(kLogModules), std::end(kLogModules), module) ==
        std::end(kLogModules)) {
      return absl::InvalidArgumentError(
          fmt::format("log levels: unknown module '{}'; it must be one of {}", module,
                      fmt::join(kLogModules, ", ")));
    }
    SOUVENIR_ASSIGN_OR_RETURN(levels[module], ParseLevel(name));
  }
  spdlog::details::registry::instance().set_levels(std::move(levels), &level);
  return absl::OkStatus();
}

spdlog::logger* Logger::Get() {
  if (spdlog::logger* known = logger_.load(std::memory_order_acquire)) return known;
  std::shared_ptr<spdlog::logger> logger = spdlog::get(module_);
  if (logger == nullptr) {
    static const auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
    logger = std::make_shared<spdlog::logger>(module_, sink);
    // The pattern is set for all loggers, because initialize_logger() overwrites that of a single
    // one.
    spdlog::set_pattern(json_lines ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc);
    spdlog::flush_on(spdlog::level::info);
    try {
      spdlog::initialize_logger(logger);
    } catch (const spdlog::spdlog_ex&) {
      logger = spdlog::get(module_);  // another thread was quicker
    }
  }
  logger_.store(logger.get(), std::memory_order_release);
  return logger.get();
}

bool Logger::Writes(LogLevel level) {
  return Get()->should_log(static_cast<spdlog::level::level_enum>(level));
}

void Logger::Write(LogLimit& limit, LogLevel level, std::string_view message,
                   std::vector<LogField> fields) {
  uint64_t left_out = 0;
  if (!Writes(level) || !limit.Allows(&left_out)) return;
  if (left_out > 0) fields.emplace_back("left_out", left_out);
  Write(level, message, fields.data(), fields.size());
}

void Logger::Write(LogLevel level, std::string_view message, const LogField* fields, size_t count) {
  spdlog::logger* const logger = Get();
  const auto spdlog_level = static_cast<spdlog::level::level_enum>(level);
  if (!logger->should_log(spdlog_level)) return;
  const std::string line = json_lines ? JsonLine(message, absl::MakeConstSpan(fields, count))
                                      : TextLine(message, absl::MakeConstSpan(fields, count));
  logger->log(spdlog_level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace souvenir
