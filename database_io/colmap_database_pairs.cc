// Matches, two-view geometries and provenance in COLMAP's database.
#include <algorithm>
#include <cmath>

#include "database_io/atomic.h"
#include "database_io/colmap_database.h"
#include "database_io/feature_code.h"
#include "database_io/two_view_geometry.h"
#include "util/error.h"

namespace colmatch {
namespace {

std::string PairName(image_t image_id1, image_t image_id2) {
  return "pair (" + std::to_string(image_id1) + ", " + std::to_string(image_id2) + ")";
}

void CheckIndices(const Matches& matches, int column, int64_t num_keypoints, image_t image_id) {
  if (num_keypoints < 0) return;  // No keypoints row yet: nothing to compare with.
  for (const auto& match : matches) {
    if (match[column] >= static_cast<uint64_t>(num_keypoints)) {
      throw InputError("a match names keypoint " + std::to_string(match[column]) + " of image " +
                       std::to_string(image_id) + ", which has " + std::to_string(num_keypoints) +
                       " keypoints");
    }
  }
}

template <size_t N>
void CheckFinite(const RowName& row, const char* column, const std::optional<std::array<double, N>>& values) {
  if (!values) return;
  for (const double value : *values) {
    if (!std::isfinite(value))
      throw InputError(ToString(row) + ": " + column + " holds a value that is not finite");
  }
}

void CheckConfig(const RowName& row, int64_t config) {
  if (config >= 0 && config <= static_cast<int>(TwoViewConfig::kCalibratedRig)) return;
  throw InputError(ToString(row) + ": config " + std::to_string(config) + " is none of COLMAP's");
}

void CheckGeometry(const RowName& row, const TwoViewGeometry& geometry) {
  CheckFinite(row, "F", geometry.F);
  CheckFinite(row, "E", geometry.E);
  CheckFinite(row, "H", geometry.H);
  CheckFinite(row, "qvec", geometry.qvec);
  CheckFinite(row, "tvec", geometry.tvec);
  CheckConfig(row, static_cast<int>(geometry.config));
  // COLMAP 4 stops at a file with only one of them.
  if (geometry.qvec.has_value() != geometry.tvec.has_value()) {
    throw InputError(ToString(row) + ": qvec and tvec must both be set or both be empty");
  }
  if (!geometry.qvec) return;
  double norm = 0;
  for (const double value : *geometry.qvec) norm += value * value;
  if (std::abs(norm - 1) > 1e-6) throw InputError(ToString(row) + ": qvec is not of unit length");
}

template <size_t N>
void BindArray(Statement& statement, int parameter, const std::optional<std::array<double, N>>& values) {
  statement.BindBlob(parameter, values ? EncodeDoubles(values->data(), N) : std::string());
}

// NULL, and COLMAP 3.8's "not computed", are none: all zeros, or all NaN, which is its inverse of a zero H
// where a pair was given the other way round.
template <size_t N>
std::optional<std::array<double, N>> ReadArray(const Statement& statement, int column, const RowName& row,
                                               const char* name) {
  const std::string_view bytes = statement.Blob(column);
  if (bytes.empty()) return std::nullopt;
  const std::vector<double> values = DecodeDoubles(row, name, bytes, N);
  const auto all = [&](bool (*is)(double)) { return std::all_of(values.begin(), values.end(), is); };
  if (all([](double v) { return v == 0; }) || all([](double v) { return std::isnan(v); }))
    return std::nullopt;
  std::optional<std::array<double, N>> array(std::in_place);
  std::copy(values.begin(), values.end(), array->begin());
  CheckFinite(row, name, array);
  return array;
}

}  // namespace

void ColmapDatabase::RequireMatchesInRange(const Matches& matches, image_t image_id1, image_t image_id2) {
  CheckIndices(matches, 0, RequireImage(image_id1), image_id1);
  CheckIndices(matches, 1, RequireImage(image_id2), image_id2);
}

bool ColmapDatabase::HasMatches(image_t image_id1, image_t image_id2) {
  return Exists("SELECT 1 FROM matches WHERE pair_id = ?1",
                static_cast<int64_t>(PairId(image_id1, image_id2)));
}

void ColmapDatabase::WriteMatches(image_t image_id1, image_t image_id2, const Matches& matches) {
  const auto pair_id = static_cast<int64_t>(PairId(image_id1, image_id2));
  RequireMatchesInRange(matches, image_id1, image_id2);
  if (HasMatches(image_id1, image_id2)) {
    throw InputError(PairName(image_id1, image_id2) + " has matches already; delete the pair first");
  }
  Matches stored = matches;
  if (ShouldSwap(image_id1, image_id2)) {
    for (auto& match : stored) std::swap(match[0], match[1]);
  }
  Statement statement(connection_, "INSERT INTO matches (pair_id, rows, cols, data) VALUES (?1, ?2, 2, ?3)");
  statement.BindInt64(1, pair_id).BindInt64(2, static_cast<int64_t>(stored.size()));
  statement.BindBlob(3, EncodeMatches(stored)).Run();
}

Matches ColmapDatabase::ReadMatches(image_t image_id1, image_t image_id2) {
  const RowName row{"matches", static_cast<int64_t>(PairId(image_id1, image_id2))};
  Statement statement(connection_, "SELECT rows, cols, data FROM matches WHERE pair_id = ?1");
  if (!statement.BindInt64(1, row.id).Step()) {
    throw InputError(PairName(image_id1, image_id2) + " has no matches (" + ToString(row) + ")");
  }
  Matches matches = DecodeMatches(row, statement.Int64(0), statement.Int64(1), statement.Blob(2));
  if (ShouldSwap(image_id1, image_id2)) {
    for (auto& match : matches) std::swap(match[0], match[1]);
  }
  RequireMatchesInRange(matches, image_id1, image_id2);
  return matches;
}

bool ColmapDatabase::HasTwoViewGeometry(image_t image_id1, image_t image_id2) {
  return Exists("SELECT 1 FROM two_view_geometries WHERE pair_id = ?1",
                static_cast<int64_t>(PairId(image_id1, image_id2)));
}

void ColmapDatabase::WriteTwoViewGeometry(image_t image_id1, image_t image_id2,
                                          const TwoViewGeometry& geometry) {
  const RowName row{"two_view_geometries", static_cast<int64_t>(PairId(image_id1, image_id2))};
  CheckGeometry(row, geometry);
  RequireMatchesInRange(geometry.inlier_matches, image_id1, image_id2);
  if (HasTwoViewGeometry(image_id1, image_id2)) {
    throw InputError(PairName(image_id1, image_id2) + " has a two-view geometry already; delete it first");
  }
  const TwoViewGeometry stored = ShouldSwap(image_id1, image_id2) ? Inverted(geometry) : geometry;
  // Files older than COLMAP 3.7 lack the later columns; COLMAP adds them when it opens the file.
  std::string columns = "pair_id, rows, cols, data, config";
  std::string values = "?1, ?2, 2, ?3, ?4";
  if (dialect_.two_view_matrices) {
    columns += ", F, E, H";
    values += ", ?5, ?6, ?7";
  }
  if (dialect_.two_view_pose) {
    columns += ", qvec, tvec";
    values += ", ?8, ?9";
  }
  Statement statement(connection_,
                      "INSERT INTO two_view_geometries (" + columns + ") VALUES (" + values + ")");
  statement.BindInt64(1, row.id).BindInt64(2, static_cast<int64_t>(stored.inlier_matches.size()));
  statement.BindBlob(3, EncodeMatches(stored.inlier_matches)).BindInt64(4, static_cast<int>(stored.config));
  if (dialect_.two_view_matrices) {
    BindArray(statement, 5, stored.F);
    BindArray(statement, 6, stored.E);
    BindArray(statement, 7, stored.H);
  }
  if (dialect_.two_view_pose) {
    BindArray(statement, 8, stored.qvec);
    BindArray(statement, 9, stored.tvec);
  }
  statement.Run();
}

TwoViewGeometry ColmapDatabase::ReadTwoViewGeometry(image_t image_id1, image_t image_id2) {
  const RowName row{"two_view_geometries", static_cast<int64_t>(PairId(image_id1, image_id2))};
  Statement statement(connection_, std::string("SELECT rows, cols, data, config, ") +
                                       (dialect_.two_view_matrices ? "F, E, H, " : "NULL, NULL, NULL, ") +
                                       (dialect_.two_view_pose ? "qvec, tvec" : "NULL, NULL") +
                                       " FROM two_view_geometries WHERE pair_id = ?1");
  if (!statement.BindInt64(1, row.id).Step()) {
    throw InputError(PairName(image_id1, image_id2) + " has no two-view geometry (" + ToString(row) + ")");
  }
  TwoViewGeometry geometry;
  geometry.inlier_matches = DecodeMatches(row, statement.Int64(0), statement.Int64(1), statement.Blob(2));
  CheckConfig(row, statement.Int64(3));
  geometry.config = static_cast<TwoViewConfig>(statement.Int64(3));
  geometry.F = ReadArray<9>(statement, 4, row, "F");
  geometry.E = ReadArray<9>(statement, 5, row, "E");
  geometry.H = ReadArray<9>(statement, 6, row, "H");
  geometry.qvec = ReadArray<4>(statement, 7, row, "qvec");
  if (geometry.qvec) {
    // A zero translation beside a rotation is a pose (a pure rotation), not "not computed".
    geometry.tvec = ReadArray<3>(statement, 8, row, "tvec").value_or(std::array<double, 3>{0, 0, 0});
  }
  if (ShouldSwap(image_id1, image_id2)) geometry = Inverted(geometry);
  RequireMatchesInRange(geometry.inlier_matches, image_id1, image_id2);
  return geometry;
}

void ColmapDatabase::DeleteTwoViewGeometry(image_t image_id1, image_t image_id2) {
  Statement statement(connection_, "DELETE FROM two_view_geometries WHERE pair_id = ?1");
  statement.BindInt64(1, static_cast<int64_t>(PairId(image_id1, image_id2))).Run();
}

void ColmapDatabase::DeletePair(image_t image_id1, image_t image_id2) {
  Atomic atomic(connection_);
  DeleteTwoViewGeometry(image_id1, image_id2);
  {  // Provenance goes with the matches.
    Statement statement(connection_, "DELETE FROM matches WHERE pair_id = ?1");
    statement.BindInt64(1, static_cast<int64_t>(PairId(image_id1, image_id2))).Run();
  }
  atomic.Commit();
}

std::vector<std::pair<image_t, image_t>> ColmapDatabase::AllMatchedPairs() {
  return ReadPairs("SELECT pair_id FROM matches ORDER BY pair_id");
}

void ColmapDatabase::WriteImageProvenance(image_t image_id, const std::string& provenance,
                                          const std::vector<float>& scores) {
  const int64_t num_keypoints = RequireImage(image_id);
  if (num_keypoints < 0)
    throw InputError("image " + std::to_string(image_id) + " has no keypoints row: write it first");
  if (!scores.empty() && scores.size() != static_cast<size_t>(num_keypoints)) {
    throw InputError("image " + std::to_string(image_id) + ": " + std::to_string(scores.size()) +
                     " scores for " + std::to_string(num_keypoints) + " keypoints");
  }
  feature_codes_.erase(image_id);
  WriteProvenance("INSERT OR REPLACE INTO colmatch_images (image_id, provenance, scores) VALUES (?1, ?2, ?3)",
                  image_id, provenance, scores);
}

std::optional<Provenance> ColmapDatabase::ReadImageProvenance(image_t image_id) {
  return ReadProvenance(
      "SELECT p.provenance, p.scores, k.rows FROM colmatch_images p JOIN keypoints k USING (image_id) WHERE "
      "image_id = ?1",
      {"colmatch_images", image_id});
}

void ColmapDatabase::WritePairProvenance(image_t image_id1, image_t image_id2, const std::string& provenance,
                                         const std::vector<float>& confidences) {
  const auto pair_id = static_cast<int64_t>(PairId(image_id1, image_id2));
  int64_t num_matches = 0;
  {
    Statement statement(connection_, "SELECT rows FROM matches WHERE pair_id = ?1");
    if (!statement.BindInt64(1, pair_id).Step()) {
      throw InputError(PairName(image_id1, image_id2) + " has no matches row: write it first");
    }
    num_matches = statement.Int64(0);
  }
  if (!confidences.empty() && static_cast<int64_t>(confidences.size()) != num_matches) {
    throw InputError(PairName(image_id1, image_id2) + ": " + std::to_string(confidences.size()) +
                     " confidences for " + std::to_string(num_matches) + " matches");
  }
  const auto [first, second] = std::minmax(image_id1, image_id2);
  WriteProvenance("INSERT OR REPLACE INTO colmatch_pairs (pair_id, provenance, scores) VALUES (?1, ?2, ?3)",
                  pair_id, WithFeatureCodes(provenance, FeatureCode(first), FeatureCode(second)),
                  confidences);
}

std::optional<Provenance> ColmapDatabase::ReadPairProvenance(image_t image_id1, image_t image_id2) {
  auto provenance = ReadProvenance(
      "SELECT p.provenance, p.scores, m.rows FROM colmatch_pairs p JOIN matches m USING (pair_id) WHERE "
      "pair_id = ?1",
      {"colmatch_pairs", static_cast<int64_t>(PairId(image_id1, image_id2))});
  if (!provenance) return provenance;
  const CodedText coded = SplitFeatureCodes(provenance->text);
  const auto [first, second] = std::minmax(image_id1, image_id2);
  provenance->text = coded.text;
  provenance->outdated =
      !coded.code1.empty() && (coded.code1 != FeatureCode(first) || coded.code2 != FeatureCode(second));
  return provenance;
}

std::optional<std::string> ColmapDatabase::AnyImageProvenance() {
  return FirstText("SELECT provenance FROM colmatch_images JOIN keypoints USING (image_id) LIMIT 1");
}

std::optional<std::string> ColmapDatabase::AnyPairProvenance() {
  return FirstText("SELECT provenance FROM colmatch_pairs JOIN matches USING (pair_id) LIMIT 1");
}

std::optional<std::string> ColmapDatabase::FirstText(const char* sql) {
  if (!dialect_.private_tables) return std::nullopt;
  Statement statement(connection_, sql);
  if (!statement.Step()) return std::nullopt;
  return statement.Text(0);
}

void ColmapDatabase::WriteProvenance(const char* sql, int64_t id, const std::string& provenance,
                                     const std::vector<float>& scores) {
  Statement statement(connection_, sql);
  statement.BindInt64(1, id).BindText(2, provenance).BindBlob(3, EncodeFloats(scores)).Run();
}

std::optional<Provenance> ColmapDatabase::ReadProvenance(const char* sql, const RowName& row) {
  if (!dialect_.private_tables) return std::nullopt;
  Statement statement(connection_, sql);
  if (!statement.BindInt64(1, row.id).Step()) return std::nullopt;
  Provenance provenance{statement.Text(0), DecodeFloats(row, "scores", statement.Blob(1))};
  // Another program has replaced the keypoints or matches: what we noted is not about these.
  const bool stale =
      !provenance.scores.empty() && static_cast<int64_t>(provenance.scores.size()) != statement.Int64(2);
  return stale ? std::nullopt : std::optional<Provenance>(std::move(provenance));
}

std::optional<std::string> ColmapDatabase::ReadMeta(const std::string& key) {
  if (!dialect_.private_tables) return std::nullopt;
  Statement statement(connection_, "SELECT value FROM colmatch_meta WHERE key = ?1");
  if (!statement.BindText(1, key).Step()) return std::nullopt;
  return statement.Text(0);
}

void ColmapDatabase::WriteMeta(const std::string& key, const std::string& value) {
  Statement statement(connection_, "INSERT OR REPLACE INTO colmatch_meta (key, value) VALUES (?1, ?2)");
  statement.BindText(1, key).BindText(2, value).Run();
}

}  // namespace colmatch
