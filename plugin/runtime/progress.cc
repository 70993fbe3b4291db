// Progress bar; see progress.h.
#include "plugin/runtime/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "plugin/runtime/host.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress_stage.h"

namespace colmatch {
namespace {

std::string& Stage() {
  thread_local std::string stage;
  return stage;
}

}  // namespace

ProgressStage::ProgressStage(int number, int total) : before_(Stage()) {
  Stage() = std::to_string(number) + "/" + std::to_string(total) + " ";
}

ProgressStage::~ProgressStage() { Stage() = before_; }

const std::string& CurrentProgressStage() { return Stage(); }

std::string DurationText(double seconds) {
  const auto s = static_cast<int64_t>(std::max(0.0, seconds));
  char text[32];
  std::snprintf(text, sizeof(text), "%lld:%02lld:%02lld", static_cast<long long>(s / 3600),
                static_cast<long long>(s / 60 % 60), static_cast<long long>(s % 60));
  return text;
}

ProgressBar::ProgressBar(std::string label, int64_t total, const std::string& mode)
    : label_(CurrentProgressStage() + std::move(label)),
      total_(total),
      enabled_(mode == "on" || (mode == "auto" && isatty(STDERR_FILENO) == 1)),
      start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (enabled_ && first_ >= 0) std::fputc('\n', stderr);
}

void ProgressBar::Update(int64_t done, const std::string& note) {
  if (Host* host = CurrentHost()) {
    host->OnProgress(label_, done, total_);
    return;
  }
  if (!enabled_) return;
  if (first_ < 0) first_ = std::max<int64_t>(0, done - 1);
  const auto now = std::chrono::steady_clock::now();
  if (done < total_ && now - last_draw_ < std::chrono::milliseconds(200)) return;
  last_draw_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done - first_) / std::max(1e-9, elapsed);
  const double left = rate > 0 ? static_cast<double>(total_ - done) / rate : 0;
  constexpr int kWidth = 24;
  const int filled = total_ > 0 ? static_cast<int>(kWidth * done / total_) : kWidth;
  std::string bar(static_cast<size_t>(filled), '#');
  bar.resize(kWidth, '.');
  std::fprintf(stderr, "\r%s [%s] %lld/%lld %.2f/s %s left %s\x1b[K", label_.c_str(), bar.c_str(),
               static_cast<long long>(done), static_cast<long long>(total_), rate, DurationText(left).c_str(),
               note.c_str());
  std::fflush(stderr);
}

ProgressLines::ProgressLines(const std::string& mode)
    : enabled_(CurrentHost() == nullptr && mode == "auto" && isatty(STDERR_FILENO) != 1),
      last_(std::chrono::steady_clock::now()) {}

void ProgressLines::File(int64_t number, int64_t total, const std::string& name, int64_t num_features) const {
  if (!enabled_) return;
  std::fprintf(stderr, "Processed file [%lld/%lld]\n  Name:            %s\n  Features:        %lld\n",
               static_cast<long long>(number), static_cast<long long>(total), Printable(name).c_str(),
               static_cast<long long>(num_features));
}

void ProgressLines::FileFailed(int64_t number, int64_t total, const std::string& name) const {
  if (!enabled_) return;
  std::fprintf(stderr, "Processed file [%lld/%lld]\n  Name:            %s\n  ERROR: skipped\n",
               static_cast<long long>(number), static_cast<long long>(total), Printable(name).c_str());
}

void ProgressLines::Block(const std::string& position) {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - last_).count();
  last_ = now;
  if (enabled_) std::fprintf(stderr, "Matching block [%s] in %.3fs\n", position.c_str(), seconds);
}

}  // namespace colmatch
