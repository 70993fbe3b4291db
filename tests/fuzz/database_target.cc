// A whole SQLite file, damaged anywhere, opened by ColmapDatabase in both modes and read through, then
// written to.
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "database_io/colmap_database.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// SQLite needs a folder for its log.
class Folder {
 public:
  Folder() {
    std::error_code error;
    std::string pattern =
        fs::is_directory("/dev/shm", error) ? "/dev/shm/colmatch_fuzz_XXXXXX" : "/tmp/colmatch_fuzz_XXXXXX";
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string Database() const { return path_ + "/a.db"; }
  // Without what an earlier input left beside it.
  void Write(std::string_view bytes) const {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(Database() + suffix);
    std::ofstream(Database(), std::ios::binary) << bytes;
  }

 private:
  std::string path_;
};

const Folder& TheFolder() {
  static const Folder folder;
  return folder;
}

// True if every row was good; a bad one keeps none of the others from being read.
bool ReadThrough(ColmapDatabase& database) {
  bool good = true;
  database.Counts();
  database.Cameras();
  for (const Image& image : database.Images()) {
    good &= Accepted([&] { database.ReadKeypoints(image.image_id); });
    good &= Accepted([&] { database.ReadDescriptors(image.image_id); });
    good &= Accepted([&] { database.ReadImageProvenance(image.image_id); });
  }
  for (const auto& pair : database.AllMatchedPairs()) {
    good &= Accepted([&] { database.ReadMatches(pair.first, pair.second); });
    if (database.HasTwoViewGeometry(pair.first, pair.second))
      good &= Accepted([&] { database.ReadTwoViewGeometry(pair.second, pair.first); });
    good &= Accepted([&] { database.ReadPairProvenance(pair.first, pair.second); });
  }
  database.ReadMeta("format_version");
  return good;
}

void WriteAfterwards(ColmapDatabase& database) {
  database.CheckWritable();
  database.CompleteFrames();
  Transaction transaction = database.BeginTransaction();
  const camera_t camera = database.AddCamera({0, 0, 8, 8, {4, 4, 4}, false});
  const image_t image = database.AddImage({0, "new.jpg", camera, {}});
  database.WriteKeypoints(image, {1, 2, {0.5F, 0.5F}});
  database.WriteDescriptors(image, {1, 4, {1, 0, 0, 0}});
  database.WriteImageProvenance(image, "fuzz", {0.5F});
  transaction.Commit();
  ReadThrough(database);
}

bool Run(std::string_view input) {
  TheFolder().Write(input);
  bool good = true;
  const bool read = Accepted([&] {
    ColmapDatabase database(TheFolder().Database(), DatabaseMode::kReadOnly);
    good &= ReadThrough(database);
  });
  const bool written = Accepted([&] {
    ColmapDatabase database(TheFolder().Database(), DatabaseMode::kOpenExisting, {10, {}});
    good &= ReadThrough(database);
    WriteAfterwards(database);
  });
  return read && written && good;
}

void Fill(ColmapDatabase& database) {
  Transaction transaction = database.BeginTransaction();
  const camera_t camera = database.AddCamera({0, 2, 640, 480, {500, 320, 240, 0.01}, true});
  std::vector<image_t> ids;
  for (const char* name : {"a.jpg", "sub/b.jpg", "c.jpg"}) {
    ids.push_back(database.AddImage({0, name, camera, GeoPosition{48.5, 11.25, 512}}));
    database.WriteKeypoints(ids.back(), {2, 2, {1.5F, 2.5F, 3.5F, 4.5F}});
    database.WriteDescriptors(ids.back(), {2, 4, {1, 0, 0, 0, 0, 1, 0, 0}});
    database.WriteImageProvenance(ids.back(), "superpoint", {0.5F, 0.25F});
  }
  TwoViewGeometry geometry;
  geometry.config = TwoViewConfig::kCalibrated;
  geometry.inlier_matches = {{0, 1}, {1, 0}};
  geometry.F = geometry.E = geometry.H = Matrix3{1, 0, 0, 0, 1, 0, 0, 0, 1};
  geometry.qvec = {1, 0, 0, 0};
  geometry.tvec = {1, 0, 0};
  database.WriteMatches(ids[0], ids[1], {{0, 1}, {1, 0}});
  database.WritePairProvenance(ids[0], ids[1], "superglue", {0.5F, 0.25F});
  database.WriteTwoViewGeometry(ids[0], ids[1], geometry);
  database.WriteMatches(ids[1], ids[2], {});
  transaction.Commit();
}

// In pages of 512 bytes: the smaller the file, the more of it a mutation reaches.
std::vector<std::string> Seeds() {
  TheFolder().Write("");
  const std::string path = TheFolder().Database();
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    Fill(database);
  }
  Connection(path, OpenMode::kReadWrite)
      .Execute("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM");
  std::ifstream file(path, std::ios::binary);
  return {std::string(std::istreambuf_iterator<char>(file), {})};
}

const RegisterFuzzTarget registered({"database", Run, Seeds});

}  // namespace
}  // namespace colmatch
