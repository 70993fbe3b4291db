// The state of a database and what to do next; see doctor.h.
#include <map>

#include "database_io/colmap_database.h"
#include "plugin/doctor/doctor.h"
#include "plugin/extraction/database_options.h"
#include "plugin/runtime/weights_location.h"
#include "util/error.h"
#include "util/read_file.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

DoctorCheck CheckIntegrity(const std::string& path, const CommonOptions& common) {
  Connection connection(path, OpenMode::kReadOnly, ConnectionOptionsOf(common));
  const std::string said = connection.QueryText("PRAGMA integrity_check(1)");
  if (said == "ok") return {"integrity_check", Health::kOk, "ok", ""};
  return {"integrity_check", Health::kProblem, said,
          "take a copy of the file; what can be saved, `sqlite3 " + path + " .recover` prints"};
}

// Which COLMAP the columns are of; docs/database_format.md.
std::string DialectName(const Dialect& d) {
  if (d.pose_priors == PosePriorTable::kShared) return "colmatch's own tables, for COLMAP 3.8 to 4.x";
  if (d.pose_priors == PosePriorTable::kByCorrId) return "tables of COLMAP 4.x";
  if (d.pose_priors == PosePriorTable::kByImage)
    return d.frame_tables ? "tables of COLMAP 3.12 or 3.13" : "tables of COLMAP 3.10 or 3.11";
  if (d.frame_tables) return "colmatch's own tables, which COLMAP 3.8 to 4.x open";
  return d.two_view_pose ? "tables of COLMAP 3.8 or 3.9" : "tables of a COLMAP before 3.8";
}

// Of images with features: what made them, to how many.
struct Makers {
  std::map<std::string, int64_t> noted;  // by provenance
  int64_t unnoted = 0;                   // of colmatch's form: a file that COLMAP merged has no notes
  int64_t others = 0;                    // another program's
};

Makers MakersOf(ColmapDatabase& database) {
  Makers makers;
  for (const Image& image : database.Images()) {
    if (!database.HasKeypoints(image.image_id)) continue;
    if (const auto made_by = database.ReadImageProvenance(image.image_id)) {
      ++makers.noted[made_by->text];
    } else {
      ++(database.HasColmatchDescriptors(image.image_id) ? makers.unnoted : makers.others);
    }
  }
  return makers;
}

// The hash of SuperPoint's weights that --weights means; empty if there are none.
std::string PresentHash(const CommonOptions& common) {
  try {
    return Sha256Hex(ReadWeightsFile(ResolveWeights(common.weights).superpoint));
  } catch (const Error&) {
    return "";  // named among the weights
  }
}

DoctorCheck CheckFeatures(const Makers& makers, const CommonOptions& common) {
  const std::string hash = PresentHash(common);
  std::string text;
  const auto add = [&text](int64_t count, const std::string& what) {
    text += (text.empty() ? "" : "; ") + std::to_string(count) + " images " + what;
  };
  bool other_weights = false;
  if (makers.others > 0) add(makers.others, "by another program");
  for (const auto& [provenance, count] : makers.noted) {
    const bool present = !hash.empty() && provenance.find(hash) != std::string::npos;
    add(count, "by " + (present ? "--weights " + common.weights + ": " : "") + provenance);
    other_weights |= !present;
  }
  if (makers.unnoted > 0) add(makers.unnoted, "without a note of what made them");
  if (text.empty()) return {"features", Health::kOk, "none yet", ""};
  DoctorCheck check{"features", Health::kOk, text, ""};
  if (makers.noted.size() + (makers.others > 0 ? 1 : 0) > 1) {
    check.health = Health::kProblem;
    check.advice = "features of two kinds do not match each other: extract all of them into a new database";
  } else if (makers.others > 0) {
    check.health = Health::kNote;
    check.advice = "SuperGlue needs SuperPoint's features: colmatch feature_extractor into a new database";
  } else if (makers.unnoted > 0) {
    check.health = Health::kNote;
    check.advice =
        "as in a file that COLMAP merged: they are matched as those of --weights; colmatch feature_extractor "
        "with the options of before recognises them";
  } else if (other_weights) {
    check.health = Health::kNote;
    check.advice = "go on with the same --weights and options as before; others are refused";
  }
  return check;
}

std::string NextStepText(const DatabaseCounts& c, int64_t unverified) {
  const int64_t all_pairs = c.images_with_keypoints * (c.images_with_keypoints - 1) / 2;
  if (c.images_with_keypoints < c.images || c.images == 0) return "colmatch feature_extractor";
  if (unverified > 0 && c.matched_pairs >= all_pairs) return "colmatch geometric_verifier";
  if (c.matched_pairs == 0) return "colmatch exhaustive_matcher";
  if (c.matched_pairs < all_pairs) {
    return "colmap mapper, if these pairs were all that were wanted; colmatch exhaustive_matcher does the "
           "other " +
           std::to_string(all_pairs - c.matched_pairs);
  }
  if (c.verified_pairs == 0) return "nothing can be reconstructed: no pair was verified";
  return "colmap mapper";
}

DoctorCheck CheckPairs(Connection& connection, const DatabaseCounts& c) {
  const int64_t unverified = connection.QueryInt64(
      "SELECT count(*) FROM matches WHERE pair_id NOT IN (SELECT pair_id FROM two_view_geometries)");
  const int64_t all_pairs = c.images_with_keypoints * (c.images_with_keypoints - 1) / 2;
  return {"pairs", Health::kOk,
          std::to_string(c.matched_pairs) + " of " + std::to_string(all_pairs) + " matched, " +
              std::to_string(unverified) + " without geometry, " + std::to_string(c.verified_pairs) +
              " verified; next: " + NextStepText(c, unverified),
          ""};
}

// Pairs whose matches are of features that are not there any more: COLMAP would take their indices for those
// of the features that are.
DoctorCheck CheckOutdatedPairs(ColmapDatabase& database) {
  int64_t outdated = 0;
  std::string example;
  for (const auto& [id1, id2] : database.AllMatchedPairs()) {
    const auto made_by = database.ReadPairProvenance(id1, id2);
    const bool has_features = database.HasKeypoints(id1) && database.HasKeypoints(id2);
    if (has_features && !(made_by && made_by->outdated)) continue;
    if (outdated++ == 0) example = std::to_string(id1) + " and " + std::to_string(id2);
  }
  if (outdated == 0) return {"matches", Health::kOk, "none is of features that were replaced", ""};
  return {"matches", Health::kProblem,
          std::to_string(outdated) + " pairs (images " + example +
              ", ...) were matched with features that were deleted or replaced since",
          "run colmatch feature_extractor and the matcher again: it matches them anew"};
}

}  // namespace

std::vector<DoctorCheck> CheckDatabase(const std::string& path, const CommonOptions& common) {
  std::vector<DoctorCheck> checks;
  try {
    checks.push_back(CheckIntegrity(path, common));
    ColmapDatabase database(path, DatabaseMode::kReadOnly, ConnectionOptionsOf(common));
    Connection connection(path, OpenMode::kReadOnly, ConnectionOptionsOf(common));
    const DatabaseCounts c = database.Counts();
    checks.push_back({"database", Health::kOk,
                      path + ": " + DialectName(database.dialect()) + "; " + std::to_string(c.cameras) +
                          " cameras, " + std::to_string(c.images) + " images, " +
                          std::to_string(c.images_with_keypoints) + " with features, " +
                          std::to_string(c.keypoints) + " keypoints",
                      ""});
    checks.push_back(CheckFeatures(MakersOf(database), common));
    checks.push_back(CheckPairs(connection, c));
    checks.push_back(CheckOutdatedPairs(database));
  } catch (const Error& error) {
    checks.push_back({"database", Health::kProblem, error.what(), "nothing was changed"});
  }
  return checks;
}

}  // namespace colmatch
