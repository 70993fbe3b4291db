// Official .pth state dicts; see pth_reader.h.
#include "network/formats/pth_reader.h"

#include <utility>
#include <vector>

#include "network/formats/pickle.h"
#include "network/formats/zip_reader.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

using TensorMap = std::map<std::string, StoredTensor>;
using StorageMap = std::map<std::string, std::string_view>;  // bytes by key

// The pickles 0x1950a86a20f9469cfc6c and 1001, as every PyTorch before 1.6 wrote them (protocol 2).
constexpr std::string_view kLegacyMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
constexpr std::string_view kLegacyVersion("\x80\x02M\xe9\x03.", 6);

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// The elements of a tensor in row-major order, however they lie in the storage.
std::string Gather(const PickledTensor& tensor, std::string_view storage, uint64_t num_bytes,
                   const std::string& where) {
  if (num_bytes == 0) return "";
  const uint64_t size = ScalarTypeSize(tensor.type), num_stored = storage.size() / size;
  uint64_t last = static_cast<uint64_t>(tensor.offset);
  bool inside = tensor.offset >= 0 && last < num_stored;
  for (size_t i = 0; inside && i < tensor.shape.size(); ++i) {
    const auto steps = static_cast<uint64_t>(tensor.shape[i] - 1);
    inside = tensor.strides[i] >= 0 &&
             (steps == 0 || static_cast<uint64_t>(tensor.strides[i]) <= num_stored / steps);
    if (inside) last += steps * static_cast<uint64_t>(tensor.strides[i]);
    inside = inside && last < num_stored;
  }
  if (!inside)
    throw WeightsError(where + " reaches beyond its storage of " + std::to_string(num_stored) + " elements");

  std::string result;
  result.reserve(num_bytes);
  std::vector<int64_t> index(tensor.shape.size(), 0);
  auto position = static_cast<uint64_t>(tensor.offset);
  while (result.size() < num_bytes) {
    result.append(storage.substr(position * size, size));
    for (size_t i = index.size(); i > 0; --i) {  // count up, the last index fastest
      const auto stride = static_cast<uint64_t>(tensor.strides[i - 1]);
      position += stride;
      if (++index[i - 1] < tensor.shape[i - 1]) break;
      position -= stride * static_cast<uint64_t>(tensor.shape[i - 1]);
      index[i - 1] = 0;
    }
  }
  return result;
}

TensorMap Assemble(const std::map<std::string, PickledTensor>& pickled, const StorageMap& storages,
                   uint64_t file_size, const std::string& name) {
  TensorMap result;
  uint64_t total = 0;
  for (const auto& [key, tensor] : pickled) {
    const std::string where = name + ": entry '" + key + "'";
    const auto storage = storages.find(tensor.storage_key);
    if (storage == storages.end())
      throw WeightsError(where + " has no storage: the file is truncated or damaged");
    if (CheckedByteSize({tensor.storage_size}, tensor.type, where) != storage->second.size()) {
      throw WeightsError(where + " needs a storage of " + std::to_string(tensor.storage_size) +
                         " elements, found " + std::to_string(storage->second.size()) + " bytes");
    }
    const uint64_t num_bytes = CheckedByteSize(tensor.shape, tensor.type, where);
    total += num_bytes;
    // Tensors that share storage or have stride 0 can ask for any amount of memory.
    if (num_bytes > file_size || total > file_size)
      throw WeightsError(where + ": the tensors are larger than the file");
    result[key] = {tensor.type, tensor.shape, Gather(tensor, storage->second, num_bytes, where)};
  }
  return result;
}

// A file's pickle and the storages beside it.
struct PthFile {
  PickleMachine pickle;
  StorageMap storages;
};

PthFile ReadLegacy(std::string_view bytes, const std::string& name) {
  std::string_view rest = bytes.substr(kLegacyMagic.size());
  if (!StartsWith(rest, kLegacyVersion))
    throw WeightsError(name + ": unknown version of the old .pth format");
  rest.remove_prefix(kLegacyVersion.size());
  const PickleMachine system(rest, name + ": system information");
  if (!system.IsTrue("little_endian"))
    throw WeightsError(name + ": was written on a big-endian machine: not supported");
  rest.remove_prefix(system.size());
  PickleMachine dict(rest, name + ": state dict");
  rest.remove_prefix(dict.size());
  const PickleMachine keys(rest, name + ": storage keys");
  rest.remove_prefix(keys.size());

  const auto types = dict.StorageTypes();
  StorageMap storages;
  for (const std::string& key : keys.TakeTextList()) {
    const auto type = types.find(key);
    if (type == types.end()) throw WeightsError(name + ": storage '" + key + "' belongs to no entry");
    const uint64_t element_size = ScalarTypeSize(type->second);
    uint64_t count = 0;  // elements
    if (rest.size() < sizeof(count)) throw WeightsError(name + ": is truncated before storage '" + key + "'");
    for (size_t i = sizeof(count); i > 0; --i) count = count << 8 | static_cast<unsigned char>(rest[i - 1]);
    rest.remove_prefix(sizeof(count));
    if (count > rest.size() / element_size)
      throw WeightsError(name + ": is truncated in storage '" + key + "'");
    const uint64_t size = count * element_size;
    if (!storages.emplace(key, rest.substr(0, size)).second)
      throw WeightsError(name + ": storage '" + key + "' twice");
    rest.remove_prefix(size);
  }
  if (!rest.empty())
    throw WeightsError(name + ": has " + std::to_string(rest.size()) + " bytes after its storages");
  return {std::move(dict), std::move(storages)};
}

PthFile ReadZip(std::string_view bytes, const std::string& name) {
  // Before the archive is read: torch.jit.save compresses the program.
  if (bytes.find("/code/__torch__") != std::string_view::npos) {
    throw WeightsError(name +
                       ": is a TorchScript program, expected tensors: save its parameters, "
                       "torch.save(torch.jit.load(path).state_dict(), other_path)");
  }
  const auto entries = ReadStoredZip(bytes, name);
  constexpr std::string_view kPickle = "/data.pkl";
  std::string root;
  for (const auto& [key, data] : entries) {
    if (key.size() <= kPickle.size() || key.substr(key.size() - kPickle.size()) != kPickle) continue;
    if (!root.empty()) throw WeightsError(name + ": holds more than one data.pkl");
    root = key.substr(0, key.size() - kPickle.size());
  }
  if (root.empty()) throw WeightsError(name + ": holds no data.pkl: not a file of torch.save");
  const auto byte_order = entries.find(root + "/byteorder");  // since PyTorch 2.1
  if (byte_order != entries.end() && byte_order->second != "little") {
    throw WeightsError(name + ": was written on a big-endian machine: not supported");
  }
  StorageMap storages;
  const std::string folder = root + "/data/";
  for (const auto& [key, data] : entries) {
    if (StartsWith(key, folder)) storages[key.substr(folder.size())] = data;
  }
  return {PickleMachine(entries.at(root + std::string(kPickle)), name + ": data.pkl"), std::move(storages)};
}

PthFile ReadFile(std::string_view bytes, const std::string& name) {
  if (StartsWith(bytes, kLegacyMagic)) return ReadLegacy(bytes, name);
  if (StartsWith(bytes, "PK\3\4")) return ReadZip(bytes, name);
  throw WeightsError(name + ": is not a file of torch.save, neither of the old nor of the zip format");
}

}  // namespace

std::map<std::string, StoredTensor> ParsePth(std::string_view bytes, const std::string& name) {
  const PthFile file = ReadFile(bytes, name);
  return Assemble(file.pickle.TakeStateDict(), file.storages, bytes.size(), name);
}

std::map<std::string, StoredTensor> ReadPth(const std::string& path) {
  return ParsePth(ReadWeightsFile(path), path);
}

std::vector<TensorGroup> ParseCheckpoint(std::string_view bytes, const std::string& name) {
  const PthFile file = ReadFile(bytes, name);
  std::vector<TensorGroup> groups;
  for (const PickledDict& dict : file.pickle.TakeDicts())
    groups.push_back({dict.path, Assemble(dict.tensors, file.storages, bytes.size(), name)});
  return groups;
}

}  // namespace colmatch
