// --precision auto; see precision_choice.h.
#include "plugin/extraction/precision_choice.h"

#include <filesystem>
#include <sstream>

#include "matcher/devices.h"
#include "network/precision.h"
#include "plugin/extraction/database_options.h"
#include "plugin/runtime/log.h"

namespace colmatch {
namespace {

constexpr char kAuto[] = "auto";

CommonOptions Chosen(CommonOptions common, const std::string& precision, const std::string& reason) {
  LogInfo("precision " + precision + ": " + reason + " (--precision auto)");
  common.precision = precision;
  return common;
}

}  // namespace

std::string PrecisionOfProvenance(const std::string& provenance) {
  std::istringstream words(provenance);
  for (std::string word; words >> word;) {
    if (word == kBf16 || word == kFp16 || word == kInt8) return word;
  }
  return NameOf(Precision::kFloat32);
}

CommonOptions WithPrecision(CommonOptions common) {
  if (common.precision != kAuto) return common;
  const torch::Device device = DevicesFromName(common.device).front();
  const Precision best = FastestPrecision(device);
  return Chosen(std::move(common), NameOf(best),
                !device.is_cpu()              ? "the exact arithmetic, on a GPU"
                : best == Precision::kFloat32 ? "this processor has no bf16 instructions"
                                              : "this processor has bf16 instructions");
}

CommonOptions WithPrecision(CommonOptions common, ColmapDatabase& database, RowsKind rows) {
  if (common.precision != kAuto) return common;
  const auto provenance =
      rows == RowsKind::kFeatures ? database.AnyImageProvenance() : database.AnyPairProvenance();
  if (!provenance) return WithPrecision(std::move(common));
  return Chosen(std::move(common), PrecisionOfProvenance(*provenance),
                rows == RowsKind::kFeatures ? "that of the features in the database"
                                            : "that of the pairs in the database");
}

CommonOptions WithPrecision(CommonOptions common, const std::string& database_path, RowsKind rows) {
  if (common.precision != kAuto) return common;
  if (!std::filesystem::exists(database_path)) return WithPrecision(std::move(common));
  // As the command opens it: a run that was killed while it made the file left one to be mended.
  ColmapDatabase database(database_path, DatabaseMode::kCreateOrOpen, ConnectionOptionsOf(common));
  return WithPrecision(std::move(common), database, rows);
}

}  // namespace colmatch
