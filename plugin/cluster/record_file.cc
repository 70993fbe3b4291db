// Record files; see record_file.h.
#include "plugin/cluster/record_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "util/byte_stream.h"
#include "util/crc32.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMRECRD1";
constexpr uint32_t kEnd = 0xFFFFFFFF;  // in place of a record's length
constexpr size_t kEndSize = 16;

// Machines that share a folder may have processes of the same number.
std::string TemporaryName(const std::string& path) {
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  return path + ".tmp" + host + "." + std::to_string(getpid());
}

std::string EndMark(uint64_t num_records) {
  ByteWriter count;
  count.Put(num_records);
  ByteWriter mark;
  mark.Put(kEnd);
  mark.Put(Crc32(count.bytes()));
  return mark.bytes() + count.bytes();
}

[[noreturn]] void FailWriting(const std::string& path) {
  throw EnvironmentError(path + ": cannot be written: " + std::strerror(errno) +
                         "; free some space or name another folder, and run the same command again");
}

// After this the name, too, is on the disk. File systems that cannot do it say EINVAL.
void SyncFolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const int handle = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return;
  fsync(handle);
  close(handle);
}

}  // namespace

RecordWriter::RecordWriter(std::string path, std::string_view header)
    : path_(std::move(path)), temporary_(TemporaryName(path_)), file_(fopen(temporary_.c_str(), "wbe")) {
  if (!file_) FailWriting(path_);
  ByteWriter start;
  start.PutText(header);
  start.Put(Crc32(header));
  Write(kMagic, 8);
  Write(start.bytes().data(), start.bytes().size());
}

RecordWriter::~RecordWriter() {
  if (file_) unlink(temporary_.c_str());
}

void RecordWriter::Write(const void* data, size_t size) {
  if (std::fwrite(data, 1, size, file_.get()) != size) FailWriting(path_);
  offset_ += size;
}

RecordPlace RecordWriter::Append(std::string_view bytes) {
  if (bytes.size() > kMaxRecordSize)
    throw InputError(path_ + ": a record of " + std::to_string(bytes.size()) + " bytes is too large");
  const RecordPlace place{offset_, static_cast<uint32_t>(bytes.size())};
  const uint32_t head[2] = {place.size, Crc32(bytes)};
  Write(head, sizeof(head));
  Write(bytes.data(), bytes.size());
  ++num_records_;
  return place;
}

void RecordWriter::Close() {
  const std::string mark = EndMark(num_records_);
  Write(mark.data(), mark.size());
  if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0 ||
      rename(temporary_.c_str(), path_.c_str()) != 0) {
    FailWriting(path_);
  }
  file_.reset();
  SyncFolderOf(path_);
}

RecordReader::RecordReader(const std::string& path, size_t buffer_size)
    : path_(path), buffer_(std::make_unique<char[]>(buffer_size)), file_(fopen(path.c_str(), "rbe")) {
  if (!file_) throw EnvironmentError(path + ": cannot be opened: " + std::strerror(errno));
  std::setvbuf(file_.get(), buffer_.get(), _IOFBF, buffer_size);
  struct stat status;
  if (fstat(fileno(file_.get()), &status) != 0 || !S_ISREG(status.st_mode)) Fail("is no regular file");
  const auto size = static_cast<uint64_t>(status.st_size);
  char magic[8];
  uint32_t length = 0, checksum = 0;
  if (size < sizeof(magic) + 8 + kEndSize) Fail("is truncated, or none of colmatch's record files");
  Read(magic, sizeof(magic));
  if (std::memcmp(magic, kMagic, sizeof(magic)) != 0) Fail("is none of colmatch's record files");
  Read(&length, sizeof(length));
  if (length > size - sizeof(magic) - 8 - kEndSize) Fail("is truncated or damaged");
  header_.resize(length);
  Read(header_.data(), length);
  Read(&checksum, sizeof(checksum));
  if (Crc32(header_) != checksum) Fail("is damaged: its header has another checksum");
  first_ = next_ = sizeof(magic) + 8 + length;

  std::string mark(kEndSize, '\0');
  fseeko(file_.get(), static_cast<off_t>(size - kEndSize), SEEK_SET);
  Read(mark.data(), mark.size());
  std::memcpy(&num_records_, mark.data() + 8, sizeof(num_records_));
  if (mark != EndMark(num_records_)) Fail("is truncated: it has no end mark");
  fseeko(file_.get(), static_cast<off_t>(first_), SEEK_SET);
}

void RecordReader::Fail(const std::string& what) const { throw InputError(path_ + ": " + what); }

void RecordReader::Read(void* data, size_t size) {
  if (std::fread(data, 1, size, file_.get()) == size) return;
  if (std::ferror(file_.get()) != 0) {
    throw EnvironmentError(path_ + ": cannot be read: " + std::strerror(errno));
  }
  Fail("is truncated");
}

bool RecordReader::Next(std::string& bytes) {
  uint32_t head[2];
  Read(head, sizeof(head));
  if (head[0] == kEnd) {
    if (num_read_ != num_records_) Fail("has fewer records than its end mark says; damaged");
    fseeko(file_.get(), static_cast<off_t>(next_), SEEK_SET);  // the end again, if asked again
    return false;
  }
  if (head[0] > kMaxRecordSize || num_read_ == num_records_)
    Fail("is damaged at byte " + std::to_string(next_));
  bytes.resize(head[0]);
  Read(bytes.data(), bytes.size());
  if (Crc32(bytes) != head[1])
    Fail("is damaged: the record at byte " + std::to_string(next_) + " has another checksum");
  next_ += sizeof(head) + bytes.size();
  ++num_read_;
  return true;
}

std::string RecordReader::At(const RecordPlace& place) {
  std::string bytes(sizeof(uint32_t) * 2 + place.size, '\0');
  fseeko(file_.get(), static_cast<off_t>(place.offset), SEEK_SET);
  Read(bytes.data(), bytes.size());
  uint32_t head[2];
  std::memcpy(head, bytes.data(), sizeof(head));
  bytes.erase(0, sizeof(head));
  if (head[0] != place.size || head[1] != Crc32(bytes))
    Fail("is damaged: no record as expected at byte " + std::to_string(place.offset));
  return bytes;
}

bool RecordReader::Peek(size_t size, std::string& bytes, RecordPlace& place) {
  if (num_read_ == num_records_) return false;
  uint32_t head[2];
  fseeko(file_.get(), static_cast<off_t>(next_), SEEK_SET);
  Read(head, sizeof(head));
  if (head[0] > kMaxRecordSize) Fail("is damaged at byte " + std::to_string(next_));
  bytes.resize(std::min<size_t>(size, head[0]));
  Read(bytes.data(), bytes.size());
  place = {next_, head[0]};
  next_ += sizeof(head) + head[0];
  ++num_read_;
  return true;
}

}  // namespace colmatch
