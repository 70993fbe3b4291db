// Logging; see log.h.
#include "plugin/runtime/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "plugin/runtime/host.h"
#include "util/error.h"

namespace colmatch {
namespace {

spdlog::logger& Logger() {
  static const auto logger = [] {
    auto created = spdlog::stderr_color_mt("colmatch");
    created->set_pattern("%^%l%$ %v");
    return created;
  }();
  return *logger;
}

void Log(spdlog::level::level_enum level, const std::string& message) {
  Host* host = CurrentHost();
  if (host == nullptr) {
    Logger().log(level, "{}", Printable(message));
  } else if (Logger().should_log(level)) {
    host->OnLog(level == spdlog::level::warn, Printable(message));
  }
}

}  // namespace

void SetLogLevel(const std::string& level) {
  const bool numeric = !level.empty() && level.find_first_not_of("0123456789") == std::string::npos;
  const auto parsed = numeric ? spdlog::level::info : spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    throw UsageError("--log_level must be debug, info, warn, error or off, found " + level);
  }
  Logger().set_level(parsed);
}

std::string Printable(const std::string& text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string printable;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      printable += c;
    } else {
      printable += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return printable;
}

void LogInfo(const std::string& message) { Log(spdlog::level::info, message); }
void LogWarning(const std::string& message) { Log(spdlog::level::warn, message); }

}  // namespace colmatch
