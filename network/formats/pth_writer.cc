// Writing .pth files; see pth_writer.h. The zip follows PKWARE's APPNOTE 6.3.10 (4.3.7, 4.3.12, 4.3.16), the
// pickle protocol 2 as CPython's pickletools.py documents it.
#include "network/formats/pth_writer.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "util/crc32.h"
#include "util/error.h"

namespace colmatch {
namespace {

std::string Number(uint64_t value, int num_bytes) {
  std::string bytes;
  for (int i = 0; i < num_bytes; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

const char* StorageName(ScalarType type, const std::string& where) {
  switch (type) {
    case ScalarType::kF32:
      return "FloatStorage";
    case ScalarType::kF16:
      return "HalfStorage";
    case ScalarType::kI64:
      return "LongStorage";
    default:
      throw WeightsError(where + " has dtype " + ScalarTypeName(type) +
                         ", which is not written to .pth files");
  }
}

std::string PickledText(const std::string& text) { return "X" + Number(text.size(), 4) + text; }

// LONG1, which has room for any size.
std::string PickledInt(int64_t value) { return "\x8a\x08" + Number(static_cast<uint64_t>(value), 8); }

std::string PickledTuple(const std::vector<int64_t>& values) {
  std::string items;
  for (const int64_t value : values) items += PickledInt(value);
  return "(" + items + "t";
}

// torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)
std::string PickledTensorOf(const StoredTensor& tensor, const std::string& key, const std::string& where) {
  std::vector<int64_t> strides(tensor.shape.size(), 1);
  for (size_t i = strides.size(); i > 1; --i) strides[i - 2] = strides[i - 1] * tensor.shape[i - 1];
  const auto count = static_cast<int64_t>(tensor.bytes.size() / ScalarTypeSize(tensor.type));
  const std::string storage = "(" + PickledText("storage") + "ctorch\n" + StorageName(tensor.type, where) +
                              "\n" + PickledText(key) + PickledText("cpu") + PickledInt(count) + "tQ";
  const std::string no_hooks = "ccollections\nOrderedDict\n)R", no_gradient = "\x89";
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + PickledInt(0) + PickledTuple(tensor.shape) +
         PickledTuple(strides) + no_gradient + no_hooks + "tR";
}

// Entries as they are, none compressed.
class StoredZip {
 public:
  void Add(const std::string& name, const std::string& data) {
    const uint32_t crc = Crc32(data);
    const std::string common = Number(20, 2) + Number(0, 2) + Number(0, 2) + Number(0, 2) + Number(33, 2) +
                               Number(crc, 4) + Number(data.size(), 4) + Number(data.size(), 4) +
                               Number(name.size(), 2);  // from "version needed"; made on 1 January 1980
    directory_ += Number(0x02014b50, 4) + Number(20, 2) + common + Number(0, 2) + Number(0, 2) +
                  Number(0, 2) + Number(0, 2) + Number(0, 4) + Number(bytes_.size(), 4) + name;
    bytes_ += Number(0x04034b50, 4) + common + Number(0, 2) + name + data;
    ++count_;
  }
  std::string Finish(const std::string& name) const {
    if (bytes_.size() + directory_.size() > std::numeric_limits<uint32_t>::max())
      throw WeightsError(name + ": more than 4 GiB are not written to .pth files");
    return bytes_ + directory_ + Number(0x06054b50, 4) + Number(0, 2) + Number(0, 2) + Number(count_, 2) +
           Number(count_, 2) + Number(directory_.size(), 4) + Number(bytes_.size(), 4) + Number(0, 2);
  }

 private:
  std::string bytes_, directory_;
  uint64_t count_ = 0;
};

}  // namespace

std::string SerializePth(const std::map<std::string, StoredTensor>& tensors, const std::string& name) {
  const std::string root = "archive/";
  std::string items;
  size_t key = 0;
  for (const auto& [entry, tensor] : tensors) {
    items +=
        PickledText(entry) + PickledTensorOf(tensor, std::to_string(key++), name + ": entry '" + entry + "'");
  }
  StoredZip zip;
  zip.Add(root + "data.pkl",
          "\x80\x02"
          "ccollections\nOrderedDict\n)R(" +
              items + "u.");
  zip.Add(root + "byteorder", "little");
  key = 0;
  for (const auto& item : tensors) zip.Add(root + "data/" + std::to_string(key++), item.second.bytes);
  zip.Add(root + "version", "3\n");
  return zip.Finish(name);
}

}  // namespace colmatch
