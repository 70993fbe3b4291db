// Compressed tensors; see tensor_coding.h.
#include "network/formats/tensor_coding.h"

#include <cstring>

#include "network/formats/entropy_coder.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr char kShape[] = ":shape", kCodes[] = ":codes", kCodebook[] = ":codebook", kScale[] = ":scale",
               kScales[] = ":scales", kValues[] = ":values";

template <typename T>
StoredTensor Store(ScalarType type, const std::vector<T>& values) {
  StoredTensor stored;
  stored.type = type;
  stored.shape = {static_cast<int64_t>(values.size())};
  stored.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return stored;
}

template <typename T>
std::vector<T> Values(const StoredTensor& stored) {
  std::vector<T> values(stored.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), stored.bytes.data(), values.size() * sizeof(T));
  return values;
}

void PutCodes(SafetensorsFile& file, const std::string& name, const std::vector<int64_t>& shape,
              const std::vector<uint8_t>& codes) {
  const std::string message = EncodeSymbols(codes);
  file.tensors[name + kShape] = Store(ScalarType::kI64, shape);
  file.tensors[name + kCodes] = Store(ScalarType::kU8, std::vector<uint8_t>(message.begin(), message.end()));
}

// The parts of one tensor, taken out of a file. `allowed`: how many values the file's tensors may still have.
class Parts {
 public:
  Parts(const SafetensorsFile& file, const std::string& name, const std::string& path, int64_t& allowed)
      : file_(file), name_(name), path_(path) {
    shape_ = Values<int64_t>(Part(kShape, ScalarType::kI64));
    for (const int64_t size : shape_) {
      if (size < 0 || (size > 0 && count_ > allowed / size)) {
        throw WeightsError(Where(kShape) + " is not that of a tensor; those of a file have at most " +
                           std::to_string(kMaxCodedValues) + " values together");
      }
      count_ *= size;
    }
    allowed -= count_;
    const StoredTensor& codes = Part(kCodes, ScalarType::kU8);
    codes_ = DecodeSymbols(codes.bytes, static_cast<uint64_t>(count_), Where(kCodes));
  }

  bool Has(const char* part) const { return file_.tensors.count(name_ + part) != 0; }

  // The coding that is there, of the four.
  const char* Coding() const {
    const char* coding = nullptr;
    for (const char* part : {kCodebook, kScale, kScales, kValues}) {
      if (!Has(part)) continue;
      if (coding != nullptr) throw WeightsError(path_ + ": entry '" + name_ + "' is compressed in two ways");
      coding = part;
    }
    if (coding == nullptr) throw WeightsError(path_ + ": entry '" + name_ + kCodebook + "' is missing");
    return coding;
  }

  StoredTensor FromCodebook() const { return FromCodebook(Values<float>(Part(kCodebook, ScalarType::kF32))); }

  StoredTensor FromSharedCodebook() const {
    const auto scale = Values<float>(Part(kScale, ScalarType::kF32));
    if (scale.size() != 1)
      throw WeightsError(Where(kScale) + " has " + std::to_string(scale.size()) + " values, expected 1");
    auto codebook = Values<float>(Entry(kCodebook, ScalarType::kF32));  // of no tensor alone
    for (float& value : codebook) value *= scale[0];
    return FromCodebook(codebook);
  }

  LinearTensor Linear() const {
    LinearTensor tensor{shape_, codes_, Values<float>(Part(kScales, ScalarType::kF32))};
    const int64_t rows = shape_.empty() ? 1 : shape_.front();
    if (static_cast<int64_t>(tensor.scales.size()) != rows)
      throw WeightsError(Where(kScales) + " has " + std::to_string(tensor.scales.size()) +
                         " values, expected " + std::to_string(rows));
    for (const uint8_t code : codes_) {
      if (code == 0) throw WeightsError(Where(kCodes) + " holds 0, expected 1 to 255");
    }
    return tensor;
  }

  StoredTensor FromLinear() const {
    const LinearTensor tensor = Linear();
    const size_t per_row = tensor.scales.empty() ? 0 : codes_.size() / tensor.scales.size();
    std::vector<float> values(codes_.size());
    for (size_t i = 0; i < codes_.size(); ++i)
      values[i] = static_cast<float>(codes_[i] - kLinearZero) * tensor.scales[i / per_row];
    return Dense(values);
  }

  StoredTensor FromSparse() const {
    const StoredTensor& packed = file_.tensors.at(name_ + kValues);
    if (packed.type != ScalarType::kF16 && packed.type != ScalarType::kF32)
      throw WeightsError(Where(kValues) + " has dtype " + ScalarTypeName(packed.type) +
                         ", expected F16 or F32");
    const size_t size = ScalarTypeSize(packed.type);
    StoredTensor dense;
    dense.type = packed.type;
    dense.shape = shape_;
    dense.bytes.assign(codes_.size() * size, '\0');
    size_t next = 0;
    for (size_t i = 0; i < codes_.size(); ++i) {
      if (codes_[i] == 0) continue;
      if (codes_[i] != 1 || next + size > packed.bytes.size())
        throw WeightsError(Where(kCodes) + " does not fit to its " +
                           std::to_string(packed.bytes.size() / size) + " values");
      std::memcpy(&dense.bytes[i * size], &packed.bytes[next], size);
      next += size;
    }
    if (next != packed.bytes.size())
      throw WeightsError(Where(kValues) + " holds values that no code asks for");
    return dense;
  }

 private:
  StoredTensor FromCodebook(const std::vector<float>& codebook) const {
    std::vector<float> values(codes_.size());
    for (size_t i = 0; i < codes_.size(); ++i) {
      if (codes_[i] >= codebook.size())
        throw WeightsError(Where(kCodes) + " names value " + std::to_string(codes_[i]) +
                           " of a codebook of " + std::to_string(codebook.size()));
      values[i] = codebook[codes_[i]];
    }
    return Dense(values);
  }

  std::string Where(const char* part) const { return path_ + ": entry '" + name_ + part + "'"; }

  const StoredTensor& Part(const std::string& part, ScalarType type) const {
    return Entry(name_ + part, type);
  }

  const StoredTensor& Entry(const std::string& entry, ScalarType type) const {
    const auto found = file_.tensors.find(entry);
    const std::string where = path_ + ": entry '" + entry + "'";
    if (found == file_.tensors.end()) throw WeightsError(where + " is missing");
    if (found->second.type != type || found->second.shape.size() != 1)
      throw WeightsError(where + " must be a list of " + ScalarTypeName(type));
    return found->second;
  }

  StoredTensor Dense(const std::vector<float>& values) const {
    StoredTensor dense = Store(ScalarType::kF32, values);
    dense.shape = shape_;
    return dense;
  }

  const SafetensorsFile& file_;
  const std::string &name_, &path_;
  std::vector<int64_t> shape_;
  int64_t count_ = 1;
  std::vector<uint8_t> codes_;
};

// The names of the compressed tensors.
std::vector<std::string> CompressedNames(const SafetensorsFile& file) {
  std::vector<std::string> names;
  const std::string suffix = kShape;
  for (const auto& item : file.tensors) {
    const std::string& entry = item.first;
    if (entry.size() > suffix.size() &&
        entry.compare(entry.size() - suffix.size(), suffix.size(), suffix) == 0)
      names.push_back(entry.substr(0, entry.size() - suffix.size()));
  }
  return names;
}

}  // namespace

void PutCodebook(SafetensorsFile& file, const std::string& name, const CodebookTensor& tensor) {
  PutCodes(file, name, tensor.shape, tensor.codes);
  const bool shared = tensor.scale != 0;
  if (shared) file.tensors[name + kScale] = Store(ScalarType::kF32, std::vector<float>{tensor.scale});
  file.tensors[(shared ? "" : name) + kCodebook] = Store(ScalarType::kF32, tensor.codebook);
}

void PutLinear(SafetensorsFile& file, const std::string& name, const LinearTensor& tensor) {
  PutCodes(file, name, tensor.shape, tensor.codes);
  file.tensors[name + kScales] = Store(ScalarType::kF32, tensor.scales);
}

void PutSparse(SafetensorsFile& file, const std::string& name, const StoredTensor& dense) {
  const size_t size = ScalarTypeSize(dense.type);
  std::vector<uint8_t> mask(dense.bytes.size() / size);
  StoredTensor values;
  values.type = dense.type;
  for (size_t i = 0; i < mask.size(); ++i) {
    const std::string_view value(&dense.bytes[i * size], size);
    // Minus zero is a zero, too: only the sign bit is set.
    const bool is_zero = value.find_first_not_of('\0') == std::string_view::npos ||
                         (value.find_first_not_of('\0') == size - 1 && value.back() == '\x80');
    mask[i] = is_zero ? 0 : 1;
    if (!is_zero) values.bytes += value;
  }
  values.shape = {static_cast<int64_t>(values.bytes.size() / size)};
  PutCodes(file, name, dense.shape, mask);
  file.tensors[name + kValues] = values;
}

void DecodeCompressedTensors(SafetensorsFile& file, const std::string& path) {
  std::map<std::string, StoredTensor> dense;
  std::vector<std::string> used;
  int64_t allowed = kMaxCodedValues;
  for (const std::string& name : CompressedNames(file)) {
    if (file.tensors.count(name) != 0)
      throw WeightsError(path + ": entry '" + name + "' is there compressed and as it is");
    const Parts parts(file, name, path, allowed);
    const std::string coding = parts.Coding();
    dense[name] = coding == kCodebook ? parts.FromCodebook()
                  : coding == kScale  ? parts.FromSharedCodebook()
                  : coding == kScales ? parts.FromLinear()
                                      : parts.FromSparse();
    if (coding == kScale) used.push_back(kCodebook);
    for (const std::string& part : {std::string(kShape), std::string(kCodes), coding})
      used.push_back(name + part);
  }
  for (const std::string& entry : used) file.tensors.erase(entry);
  for (auto& item : dense) file.tensors[item.first] = std::move(item.second);
}

std::map<std::string, LinearTensor> ReadLinearTensors(const SafetensorsFile& file, const std::string& path) {
  std::map<std::string, LinearTensor> tensors;
  int64_t allowed = kMaxCodedValues;
  for (const std::string& name : CompressedNames(file)) {
    const Parts parts(file, name, path, allowed);
    if (parts.Has(kScales)) tensors.emplace(name, parts.Linear());
  }
  return tensors;
}

}  // namespace colmatch
