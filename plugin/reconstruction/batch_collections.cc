// Collections and their records; see batch_collections.h.
#include "plugin/reconstruction/batch_collections.h"

#include <algorithm>
#include <fstream>

#include "plugin/photos/image_reader.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kRecordFile[] = "collection.json";
constexpr int kFormatVersion = 1;

// Size and time of change: what tells a photo from another of the same name.
std::string StampOf(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return "unreadable";
  const auto time = fs::last_write_time(file, error);
  return std::to_string(size) + " " + std::to_string(time.time_since_epoch().count());
}

bool LiesIn(const fs::path& inner, const fs::path& outer) {
  const fs::path relative = inner.lexically_relative(outer);
  return !relative.empty() && *relative.begin() != "..";
}

// Bytes as Latin-1 code points: JSON holds no others, and names need not be UTF-8.
std::string Encoded(const std::string& bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    if (c < 128) {
      text += static_cast<char>(c);
    } else {
      text += static_cast<char>(0xC0 | c >> 6);
      text += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return text;
}

std::string Decoded(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 128 || i + 1 >= text.size()) {
      bytes += text[i];
    } else {
      bytes += static_cast<char>((c & 0x03) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F));
    }
  }
  return bytes;
}

Json ToJson(const std::map<std::string, std::string>& stamps) {
  Json json = Json::object();
  for (const auto& [name, stamp] : stamps) json[Encoded(name)] = stamp;
  return json;
}

std::map<std::string, std::string> StampsFrom(const Json& json) {
  std::map<std::string, std::string> stamps;
  for (const auto& [name, stamp] : json.items()) stamps[Decoded(name)] = stamp.get<std::string>();
  return stamps;
}

CollectionState StateFrom(const std::string& name) {
  for (const auto state : {CollectionState::kStarted, CollectionState::kDone, CollectionState::kFailed}) {
    if (name == NameOf(state)) return state;
  }
  return CollectionState::kPending;
}

CollectionRecord RecordFrom(const Json& json) {
  CollectionRecord record;
  if (json.at("format_version") != kFormatVersion) return record;
  record.inputs = {Decoded(json.at("options")), StampsFrom(json.at("photos")), StampsFrom(json.at("truth"))};
  json.at("num_images").get_to(record.num_images);
  json.at("num_registered").get_to(record.num_registered);
  json.at("num_models").get_to(record.num_models);
  json.at("num_pairs").get_to(record.num_pairs);
  json.at("num_verified_pairs").get_to(record.num_verified_pairs);
  json.at("num_points").get_to(record.num_points);
  json.at("reprojection_error_px").get_to(record.reprojection_error_px);
  json.at("seconds").get_to(record.seconds);
  for (const Json& s : json.at("skipped")) {
    record.skipped.push_back({Decoded(s.at("name")), Decoded(s.at("reason"))});
  }
  record.reason = Decoded(json.at("reason"));
  for (const Json& sentence : json.at("advice")) record.advice.push_back(Decoded(sentence));
  record.state = StateFrom(json.at("state"));
  return record;
}

}  // namespace

const char* NameOf(CollectionState state) {
  switch (state) {
    case CollectionState::kStarted:
      return "started";
    case CollectionState::kDone:
      return "done";
    case CollectionState::kFailed:
      return "failed";
    default:
      return "pending";
  }
}

std::vector<Collection> FindCollections(const fs::path& collections, const fs::path& workspace) {
  if (!fs::is_directory(collections))
    throw UsageError("--collections_path " + collections.string() + ": there is no such folder");
  const fs::path results = fs::weakly_canonical(workspace);
  std::vector<Collection> found;
  for (const auto& entry : fs::directory_iterator(collections)) {
    const std::string name = entry.path().filename().string();
    std::error_code error;
    if (name[0] == '.' || !entry.is_directory(error)) continue;
    const fs::path folder = fs::weakly_canonical(entry.path());
    if (folder == results) continue;
    if (LiesIn(results, folder)) {
      throw UsageError("--workspace_path " + workspace.string() + " lies inside of the collection " +
                       entry.path().string() + "; choose another place for the results");
    }
    Collection collection{name, entry.path(), {}};
    if (fs::is_directory(entry.path() / "images", error)) {
      collection.images = entry.path() / "images";
      if (fs::is_directory(entry.path() / "gt", error)) collection.truth = entry.path() / "gt";
    }
    found.push_back(std::move(collection));
  }
  if (found.empty()) {
    throw UsageError("--collections_path " + collections.string() +
                     ": expected one sub-folder a collection, found none");
  }
  std::sort(found.begin(), found.end(),
            [](const Collection& a, const Collection& b) { return a.name < b.name; });
  return found;
}

CollectionInputs ReadInputs(const Collection& collection, const std::string& options) {
  CollectionInputs inputs{options, {}, {}};
  for (const std::string& name : ListImages(collection.images))
    inputs.photos[name] = StampOf(collection.images / name);
  if (collection.truth.empty()) return inputs;
  for (const auto& entry : fs::directory_iterator(collection.truth))
    inputs.truth[entry.path().filename().string()] = StampOf(entry.path());
  return inputs;
}

CollectionRecord ReadRecord(const fs::path& folder) {
  std::ifstream file(folder / kRecordFile, std::ios::binary);
  if (!file) return {};
  try {
    return RecordFrom(Json::parse(file));
  } catch (const Json::exception&) {
    return {};
  }
}

void WriteRecord(const CollectionRecord& record, const fs::path& folder) {
  Json json = {{"format_version", kFormatVersion},
               {"state", NameOf(record.state)},
               {"num_images", record.num_images},
               {"num_registered", record.num_registered},
               {"num_models", record.num_models},
               {"num_pairs", record.num_pairs},
               {"num_verified_pairs", record.num_verified_pairs},
               {"num_points", record.num_points},
               {"reprojection_error_px", record.reprojection_error_px},
               {"seconds", record.seconds},
               {"skipped", Json::array()},
               {"reason", Encoded(record.reason)},
               {"advice", Json::array()},
               {"options", Encoded(record.inputs.options)},
               {"photos", ToJson(record.inputs.photos)},
               {"truth", ToJson(record.inputs.truth)}};
  for (const ReportSkipped& s : record.skipped)
    json["skipped"].push_back({{"name", Encoded(s.name)}, {"reason", Encoded(s.reason)}});
  for (const std::string& sentence : record.advice) json["advice"].push_back(Encoded(sentence));
  MakeFolder(folder);
  WriteFileAtomically(folder / kRecordFile, json.dump(1) + "\n");
}

NextStep Decide(const CollectionRecord& before, const CollectionInputs& now) {
  if (before.state == CollectionState::kPending) return NextStep::kGoOn;  // what is there may be the user's
  if (before.inputs.options != now.options) return NextStep::kStartNew;
  for (const auto& [name, stamp] : before.inputs.photos) {
    const auto found = now.photos.find(name);
    if (found == now.photos.end() || found->second != stamp) return NextStep::kStartNew;
  }
  const bool same = before.inputs.photos == now.photos && before.inputs.truth == now.truth;
  return same && before.state == CollectionState::kDone ? NextStep::kNothing : NextStep::kGoOn;
}

fs::path MoveAside(const fs::path& folder) {
  for (int number = 1;; ++number) {
    const fs::path old = folder.string() + ".old" + std::to_string(number);
    if (fs::exists(fs::symlink_status(old))) continue;
    std::error_code error;
    fs::rename(folder, old, error);
    if (error)
      throw EnvironmentError("cannot rename " + folder.string() + " to " + old.string() + ": " +
                             error.message());
    return old;
  }
}

}  // namespace colmatch
