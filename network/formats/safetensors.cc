// The safetensors container; see safetensors.h.
#include "network/formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "tensors are stored little-endian and copied as they are");

constexpr char kMetadataKey[] = "__metadata__";
constexpr size_t kLengthSize = 8;  // bytes of the header length
constexpr size_t kMaxRank = 16;
constexpr size_t kMaxEntries = 100'000;
constexpr uint64_t kMaxBytes = std::numeric_limits<int64_t>::max();

struct TypeInfo {
  ScalarType type;
  const char* name;
  uint64_t size;  // bytes
};

constexpr TypeInfo kTypes[] = {
    {ScalarType::kBool, "BOOL", 1}, {ScalarType::kU8, "U8", 1},     {ScalarType::kI8, "I8", 1},
    {ScalarType::kI16, "I16", 2},   {ScalarType::kI32, "I32", 4},   {ScalarType::kI64, "I64", 8},
    {ScalarType::kF16, "F16", 2},   {ScalarType::kBF16, "BF16", 2}, {ScalarType::kF32, "F32", 4},
    {ScalarType::kF64, "F64", 8},
};

const TypeInfo& InfoOf(ScalarType type) { return kTypes[static_cast<size_t>(type)]; }

std::optional<ScalarType> TypeByName(const std::string& name) {
  for (const TypeInfo& info : kTypes) {
    if (name == info.name) return info.type;
  }
  return std::nullopt;
}

struct HeaderEntry {
  std::optional<ScalarType> type;
  std::optional<std::vector<uint64_t>> shape;
  std::optional<std::vector<uint64_t>> offsets;
};

struct Header {
  std::map<std::string, std::string> metadata;
  std::map<std::string, HeaderEntry> entries;
};

// Fills a Header from the parser's events. Events, not a document: a document would keep the last of two
// equal keys.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}
  Header Take() { return std::move(header_); }

  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return Unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return Unexpected("a fraction"); }
  bool binary(binary_t&) override { return Unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (list_ == nullptr) return Unexpected("a number");
    if (list_->size() >= kMaxRank)
      Fail("has more than " + std::to_string(kMaxRank) + " numbers in " + field_);
    list_->push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ == 2 && list_ == nullptr && InMetadata()) {
      header_.metadata[field_] = value;
      return true;
    }
    if (depth_ != 2 || list_ != nullptr || field_ != "dtype") return Unexpected("a string");
    entry_->type = TypeByName(value);
    if (!entry_->type) Fail("has the unknown dtype '" + value + "'");
    return true;
  }

  bool start_object(size_t) override {
    if (depth_ == 2 || list_ != nullptr) return Unexpected("an object");
    ++depth_;
    fields_.clear();
    if (depth_ == 2 && !InMetadata()) entry_ = &header_.entries[name_];
    return true;
  }

  bool end_object() override {
    if (depth_ == 2 && !InMetadata()) {
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        if (fields_.count(field) == 0) Fail(std::string("has no ") + field);
      }
      if (entry_->offsets->size() != 2) Fail("must have two data_offsets");
    }
    --depth_;
    return true;
  }

  bool start_array(size_t) override {
    if (depth_ != 2 || list_ != nullptr || InMetadata()) return Unexpected("a list");
    if (field_ == "shape") {
      list_ = &entry_->shape.emplace();
    } else if (field_ == "data_offsets") {
      list_ = &entry_->offsets.emplace();
    } else {
      return Unexpected("a list");
    }
    return true;
  }

  bool end_array() override {
    list_ = nullptr;
    return true;
  }

  bool key(string_t& value) override {
    if (depth_ == 1) {
      name_ = value;
      field_.clear();
      if (!names_.insert(value).second) Fail("occurs twice");
      if (names_.size() > kMaxEntries) throw WeightsError(file_ + ": more than 100000 entries");
      return true;
    }
    field_ = value;
    if (!fields_.insert(value).second) Fail("has '" + value + "' twice");
    if (!InMetadata() && value != "dtype" && value != "shape" && value != "data_offsets") {
      Fail("has the unknown field '" + value + "'");
    }
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    throw WeightsError(file_ + ": the header is not JSON at byte " + std::to_string(kLengthSize + position) +
                       ": " + error.what());
  }

 private:
  bool InMetadata() const { return name_ == kMetadataKey; }
  [[noreturn]] void Fail(const std::string& what) const {
    throw WeightsError(file_ + ": entry '" + name_ + "' " + what);
  }
  [[noreturn]] bool Unexpected(const std::string& found) const {
    if (depth_ == 0) throw WeightsError(file_ + ": the header must be an object, found " + found);
    Fail("holds " + found + (field_.empty() ? "" : " in '" + field_ + "'") +
         ", which safetensors has not there");
  }

  std::string file_;
  Header header_;
  int depth_ = 0;
  std::string name_;   // of the entry the parser is in
  std::string field_;  // of that entry
  std::set<std::string> names_, fields_;
  HeaderEntry* entry_ = nullptr;
  std::vector<uint64_t>* list_ = nullptr;  // the list the parser is in
};

uint64_t ReadHeaderLength(std::string_view bytes, const std::string& name) {
  // The commonest wrong file deserves a word of its own.
  const bool zip = bytes.substr(0, 4) == std::string_view("PK\3\4", 4);
  const bool pickle = bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
  if (zip || pickle) {
    throw WeightsError(
        name + ": is a PyTorch .pth file, expected safetensors: convert it with `colmatch weights import`");
  }
  if (bytes.size() < kLengthSize) {
    throw WeightsError(name + ": has " + std::to_string(bytes.size()) +
                       " bytes: not a safetensors file, or truncated");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthSize; ++i)
    length |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  const uint64_t limit = std::min<uint64_t>(kMaxSafetensorsHeader, bytes.size() - kLengthSize);
  if (length > limit) {
    throw WeightsError(name + ": states a header of " + std::to_string(length) + " bytes, at most " +
                       std::to_string(limit) + " are possible: not a safetensors file, or truncated");
  }
  return length;
}

StoredTensor TakeTensor(const HeaderEntry& entry, std::string_view data, const std::string& where) {
  StoredTensor tensor;
  tensor.type = *entry.type;
  for (const uint64_t size : *entry.shape) {
    if (size > kMaxBytes) throw WeightsError(where + " has a shape beyond 63 bits");
    tensor.shape.push_back(static_cast<int64_t>(size));
  }
  const uint64_t begin = (*entry.offsets)[0], end = (*entry.offsets)[1];
  const uint64_t expected = CheckedByteSize(tensor.shape, tensor.type, where);
  if (end - begin != expected) {
    throw WeightsError(where + " has " + std::to_string(end - begin) + " bytes, its shape and dtype need " +
                       std::to_string(expected));
  }
  tensor.bytes.assign(data.substr(begin, end - begin));
  return tensor;
}

// The tensors tile the data: nothing twice (or a small file could ask for much memory), nothing unused (a
// hole can hide anything).
void CheckTiling(const std::map<std::string, HeaderEntry>& entries, uint64_t data_size,
                 const std::string& file) {
  std::vector<std::pair<std::pair<uint64_t, uint64_t>, std::string>> ranges;
  for (const auto& [name, entry] : entries) {
    const uint64_t begin = (*entry.offsets)[0], end = (*entry.offsets)[1];
    if (begin > end || end > data_size) {
      throw WeightsError(file + ": entry '" + name + "' has the bytes " + std::to_string(begin) + " to " +
                         std::to_string(end) + " of " + std::to_string(data_size) +
                         ": the file is truncated or damaged");
    }
    ranges.push_back({{begin, end}, name});
  }
  std::sort(ranges.begin(), ranges.end());
  uint64_t covered = 0;
  for (const auto& [range, name] : ranges) {
    if (range.first != covered) {
      throw WeightsError(file + ": entry '" + name + "' begins at byte " + std::to_string(range.first) +
                         " of the data, expected " + std::to_string(covered) +
                         (range.first < covered ? ": it overlaps another" : ": bytes belong to no entry"));
    }
    covered = range.second;
  }
  if (covered != data_size) {
    throw WeightsError(file + ": " + std::to_string(data_size - covered) +
                       " bytes at the end belong to no entry");
  }
}

}  // namespace

const char* ScalarTypeName(ScalarType type) { return InfoOf(type).name; }
uint64_t ScalarTypeSize(ScalarType type) { return InfoOf(type).size; }

uint64_t CheckedByteSize(const std::vector<int64_t>& shape, ScalarType type, const std::string& where) {
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  uint64_t bytes = ScalarTypeSize(type);
  for (const int64_t size : shape) {
    if (size < 0) throw WeightsError(where + " has a negative size");
    if (empty) continue;
    if (bytes > kMaxBytes / static_cast<uint64_t>(size))
      throw WeightsError(where + " has a shape beyond 63 bits");
    bytes *= static_cast<uint64_t>(size);
  }
  return empty ? 0 : bytes;
}

SafetensorsFile ParseSafetensors(std::string_view bytes, const std::string& name) {
  const uint64_t length = ReadHeaderLength(bytes, name);
  const std::string_view json = bytes.substr(kLengthSize, length);
  const std::string_view data = bytes.substr(kLengthSize + length);
  if (json.empty() || json[0] != '{') throw WeightsError(name + ": the header does not begin with '{'");
  HeaderReader reader(name);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  const Header header = reader.Take();

  SafetensorsFile file;
  file.metadata = header.metadata;
  CheckTiling(header.entries, data.size(), name);
  for (const auto& [key, entry] : header.entries) {
    file.tensors.emplace(key, TakeTensor(entry, data, name + ": entry '" + key + "'"));
  }
  return file;
}

SafetensorsFile ReadSafetensors(const std::string& path) {
  return ParseSafetensors(ReadWeightsFile(path), path);
}

std::string SerializeSafetensors(const SafetensorsFile& file, const std::string& name) {
  std::vector<const std::pair<const std::string, StoredTensor>*> order;
  for (const auto& item : file.tensors) order.push_back(&item);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return ScalarTypeSize(a->second.type) > ScalarTypeSize(b->second.type);
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header[kMetadataKey] = file.metadata;
  uint64_t offset = 0;
  for (const auto* item : order) {
    const auto& [key, tensor] = *item;
    const std::string where = name + ": entry '" + key + "'";
    if (key == kMetadataKey) throw WeightsError(where + ": the name is reserved");
    if (CheckedByteSize(tensor.shape, tensor.type, where) != tensor.bytes.size()) {
      throw WeightsError(where + ": its bytes do not match its shape and dtype");
    }
    header[key] = {{"dtype", ScalarTypeName(tensor.type)},
                   {"shape", tensor.shape},
                   {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }

  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::exception& error) {
    throw WeightsError(name + ": a name or the metadata is not UTF-8: " + error.what());
  }
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  bytes.reserve(kLengthSize + json.size() + offset);
  for (size_t i = 0; i < kLengthSize; ++i)
    bytes.push_back(static_cast<char>(uint64_t{json.size()} >> (8 * i)));
  bytes += json;
  for (const auto* item : order) bytes += item->second.bytes;
  return bytes;
}

void WriteSafetensors(const SafetensorsFile& file, const std::string& path) {
  WriteFileAtomically(path, SerializeSafetensors(file, path));
}

}  // namespace colmatch
