// .npz writing; see npz_writer.h. Zip: PKWARE APPNOTE 4.3; npy: NumPy's format version 1.0.
#include "util/npz_writer.h"

#include <cstdint>

#include "util/atomic_file.h"
#include "util/crc32.h"

namespace colmatch {
namespace {

void Append16(std::string& out, uint32_t v) { out += {static_cast<char>(v), static_cast<char>(v >> 8)}; }
void Append32(std::string& out, uint32_t v) {
  Append16(out, v);
  Append16(out, v >> 16);
}

std::string NpyBytes(const std::vector<double>& values) {
  std::string header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (" + std::to_string(values.size()) + ",), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  Append16(bytes, static_cast<uint32_t>(header.size()));
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
  return bytes;
}

// What the local header and the central directory share: version .. extra length.
std::string EntryFields(const std::string& name, const std::string& data) {
  std::string fields;
  Append16(fields, 20);          // version needed
  Append16(fields, 0);           // flags
  Append16(fields, 0);           // stored
  Append32(fields, 0x00210000);  // 1980-01-01: the same metrics give the same bytes
  Append32(fields, Crc32(data));
  Append32(fields, static_cast<uint32_t>(data.size()));
  Append32(fields, static_cast<uint32_t>(data.size()));
  Append16(fields, static_cast<uint32_t>(name.size()));
  Append16(fields, 0);
  return fields;
}

}  // namespace

void WriteNpz(const std::string& path, const std::map<std::string, std::vector<double>>& arrays) {
  std::string out, directory;
  for (const auto& [key, values] : arrays) {
    const std::string name = key + ".npy", data = NpyBytes(values), fields = EntryFields(name, data);
    const auto offset = static_cast<uint32_t>(out.size());
    Append32(out, 0x04034B50);
    out += fields + name + data;
    Append32(directory, 0x02014B50);
    Append16(directory, 20);
    directory += fields;
    directory.append(10, '\0');  // comment length, disk, internal and external attributes
    Append32(directory, offset);
    directory += name;
  }
  const auto directory_offset = static_cast<uint32_t>(out.size());
  out += directory;
  Append32(out, 0x06054B50);
  Append32(out, 0);
  Append16(out, static_cast<uint32_t>(arrays.size()));
  Append16(out, static_cast<uint32_t>(arrays.size()));
  Append32(out, static_cast<uint32_t>(directory.size()));
  Append32(out, directory_offset);
  Append16(out, 0);
  WriteFileAtomically(path, out);
}

}  // namespace colmatch
