// Loaded networks that Python keeps for many images and pairs.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugin/matching/matching_options.h"
#include "python/native/arrays.h"

namespace colmatch {

// The options of both sessions: `colmatch match` has the same.
class SessionOptions {
 public:
  void AddTo(CLI::App& app);

  ExtractionCommandOptions extraction;
  MatchingCommandOptions matching;
  CommonOptions common;
  // What the arguments were parsed with: Resolve() of the groups looks there for what was given.
  std::unique_ptr<CLI::App> app;
};

// Whether kExtractorOptions or kMatcherOptions (commands.h) have this option.
bool IsSessionOption(const std::string& name, const std::string& session);

struct SessionInfo {
  std::string device, precision;
  std::string weights_sha256;  // empty: no weights were needed
  int descriptor_dim = 0;      // 0: any
};

// One thread at a time computes; another one that calls waits.
class ExtractorSession {
 public:
  // arguments: options as on the command line. Throws UsageError, WeightsError, EnvironmentError.
  explicit ExtractorSession(const std::vector<std::string>& arguments);
  ~ExtractorSession();

  // Throws InputError for a photo that cannot be read.
  FeatureArrays ExtractFile(const std::string& path);
  FeatureArrays ExtractPixels(const PixelArray& pixels);
  SessionInfo info() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class MatcherSession {
 public:
  explicit MatcherSession(const std::vector<std::string>& arguments);
  ~MatcherSession();

  // Descriptors of info().descriptor_dim channels. Throws EnvironmentError where memory is short.
  MatchArrays Match(const FeatureArrays& features0, const FeatureArrays& features1);
  // Pairs of indices into `features`, on the CPU beside each other in as many threads as num_threads says.
  // What is returned is in the pairs' order. Ends early where a stop is requested
  // (plugin/runtime/stop_signal.h).
  std::vector<MatchArrays> MatchPairs(const std::vector<std::shared_ptr<const FeatureArrays>>& features,
                                      const std::vector<std::pair<int64_t, int64_t>>& pairs);
  SessionInfo info() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace colmatch
