// Archives with a checksum; see archive_file.h.
#include "training/data/archive_file.h"

#include <torch/torch.h>

#include <cstdint>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "util/atomic_file.h"
#include "util/crc32.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMARCHV1";
constexpr size_t kMagicSize = 8, kHeaderSize = kMagicSize + sizeof(uint64_t) + sizeof(uint32_t);
constexpr char kBareArchive[] = "PK";  // how a zip starts

std::string HeaderOf(std::string_view archive) {
  const uint64_t size = archive.size();
  const uint32_t crc = Crc32(archive);
  std::string header(kMagic, kMagicSize);
  header.append(reinterpret_cast<const char*>(&size), sizeof(size));
  header.append(reinterpret_cast<const char*>(&crc), sizeof(crc));
  return header;
}

// The archive within the file's bytes; throws std::runtime_error for what is damaged.
std::string_view CheckedArchive(std::string_view bytes) {
  if (bytes.substr(0, 2) == kBareArchive) return bytes;
  if (bytes.substr(0, kMagicSize) != kMagic)
    throw std::runtime_error("it starts with neither CMARCHV1 nor an archive");
  if (bytes.size() < kHeaderSize) throw std::runtime_error("it ends inside its header");
  const std::string_view archive = bytes.substr(kHeaderSize);
  if (HeaderOf(archive) != bytes.substr(0, kHeaderSize))
    throw std::runtime_error("its checksum or size differs");
  return archive;
}

}  // namespace

void WriteArchiveFile(const std::string& path, torch::serialize::OutputArchive& archive) {
  std::ostringstream stream;
  stream << std::string(kHeaderSize, '\0');
  archive.save_to(stream);
  std::string bytes = stream.str();
  bytes.replace(0, kHeaderSize, HeaderOf(std::string_view(bytes).substr(kHeaderSize)));
  WriteFileAtomically(path, bytes);
}

void ReadArchiveFile(const std::string& path, const std::string& what, const std::string& remedy,
                     const std::function<void(torch::serialize::InputArchive&)>& read) {
  const std::string bytes = ReadWholeFile(path);
  try {
    const std::string_view data = CheckedArchive(bytes);
    torch::serialize::InputArchive archive;
    archive.load_from(data.data(), data.size());
    read(archive);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {  // damage in the archive's own code raises more than c10::Error
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    throw EnvironmentError(path + ": not " + what + ", or damaged (" +
                           (torch_error ? torch_error->what_without_backtrace() : error.what()) + "); " +
                           remedy);
  }
}

}  // namespace colmatch
