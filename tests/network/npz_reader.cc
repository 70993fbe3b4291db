// NumPy's .npz for tests; see npz_reader.h.
#include "tests/network/npz_reader.h"

#include <torch/torch.h>
#include <zlib.h>

#include <cstring>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "util/read_file.h"

namespace colmatch {
namespace {

void Require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("npz: ") + what);
}

template <typename T>
T Number(const std::string& bytes, size_t position) {
  T value;
  Require(position + sizeof(T) <= bytes.size(), "truncated");
  std::memcpy(&value, bytes.data() + position, sizeof(T));
  return value;
}

std::string Inflate(const std::string& packed, size_t size) {
  std::string result(size, '\0');
  z_stream stream{};
  Require(inflateInit2(&stream, -MAX_WBITS) == Z_OK, "zlib");  // negative: no zlib header, as in a zip
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(size);
  const int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  Require(status == Z_STREAM_END, "damaged");
  return result;
}

torch::Tensor ParseNpy(const std::string& bytes) {
  Require(bytes.compare(0, 8, std::string("\x93NUMPY\x01\0", 8)) == 0, "not an .npy of format 1");
  const size_t header_size = Number<uint16_t>(bytes, 8);
  const std::string header = bytes.substr(10, header_size);
  std::smatch match;
  Require(std::regex_search(header, match,
                            std::regex("'descr': '(...)'.*'fortran_order': False.*\\(([0-9, ]*)\\)")),
          "unknown header");
  const std::map<std::string, torch::ScalarType> types = {
      {"<f4", torch::kFloat}, {"<f8", torch::kDouble}, {"<i8", torch::kLong}, {"|u1", torch::kUInt8}};
  Require(types.count(match[1]) != 0, "unknown dtype");
  std::vector<int64_t> shape;
  std::istringstream numbers(match[2]);
  for (std::string item; std::getline(numbers, item, ',');) {
    if (item.find_first_not_of(' ') != std::string::npos) shape.push_back(std::stoll(item));
  }
  auto tensor = torch::empty(shape, types.at(match[1]));
  Require(bytes.size() == 10 + header_size + tensor.nbytes(), "size of an array");
  if (tensor.nbytes() > 0) std::memcpy(tensor.data_ptr(), bytes.data() + 10 + header_size, tensor.nbytes());
  return tensor;
}

}  // namespace

std::map<std::string, torch::Tensor> ReadNpz(const std::string& path) {
  const std::string bytes = ReadWholeFile(path);
  const size_t end = bytes.rfind("PK\5\6");
  Require(end != std::string::npos, "not a zip");
  size_t position = Number<uint32_t>(bytes, end + 16);
  std::map<std::string, torch::Tensor> result;
  for (int i = Number<uint16_t>(bytes, end + 10); i > 0; --i) {
    const auto method = Number<uint16_t>(bytes, position + 10);
    const auto packed_size = Number<uint32_t>(bytes, position + 20),
               size = Number<uint32_t>(bytes, position + 24);
    const auto name_size = Number<uint16_t>(bytes, position + 28),
               extra = Number<uint16_t>(bytes, position + 30);
    const auto local = Number<uint32_t>(bytes, position + 42);
    const std::string name = bytes.substr(position + 46, name_size);
    const size_t data =
        local + 30 + Number<uint16_t>(bytes, local + 26) + Number<uint16_t>(bytes, local + 28);
    const std::string packed = bytes.substr(data, packed_size);
    result[name.substr(0, name.rfind(".npy"))] = ParseNpy(method == 0 ? packed : Inflate(packed, size));
    position += 46u + name_size + extra + Number<uint16_t>(bytes, position + 32);
  }
  return result;
}

}  // namespace colmatch
