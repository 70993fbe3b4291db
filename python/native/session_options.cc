// Options of sessions; see session_options.h.
#include "python/native/session_options.h"

#include <torch/torch.h>

#include <opencv2/core/utility.hpp>

#include "plugin/commands/program.h"
#include "plugin/extraction/precision_choice.h"
#include "python/native/commands.h"
#include "util/error.h"

namespace colmatch {
namespace {

bool StartsWith(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

}  // namespace

void SessionOptions::AddTo(CLI::App& app) {
  extraction.AddTo(app, false);
  matching.AddTo(app, false, true);
  AddCommonOptions(app, common);
}

bool IsSessionOption(const std::string& name, const std::string& session) {
  const bool of_features = StartsWith(name, "SuperPoint.");
  const bool of_matches = StartsWith(name, "SuperGlue.") || name == "matcher" || name == "max_ratio";
  if (of_features || of_matches) return session == (of_features ? kExtractorOptions : kMatcherOptions);
  for (const char* common : {"weights", "device", "precision", "num_threads"}) {
    if (name == common) return true;
  }
  return false;
}

void ParseSessionOptions(const std::vector<std::string>& arguments, SessionOptions& options) {
  options.app = std::make_unique<CLI::App>();
  options.AddTo(*options.app);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    options.app->parse(reversed);
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  ResolveCommonOptions(options.common);
  RequireKnownPrecision(options.common.precision, MatchingPrecisions(), "match");
  options.common = WithPrecision(options.common);
}

ThreadsInUse::ThreadsInUse(int threads)
    : torch_before_(torch::get_num_threads()), opencv_before_(cv::getNumThreads()) {
  UseThreads(threads);
}

ThreadsInUse::~ThreadsInUse() {
  if (torch_before_ != torch::get_num_threads()) torch::set_num_threads(torch_before_);
  cv::setNumThreads(opencv_before_);
}

}  // namespace colmatch
