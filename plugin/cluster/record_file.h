// A file of records that is there whole or not at all, each record with its checksum: feature shards, planned
// blocks, shards of matches. Bytes: docs/cluster_files.md.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace colmatch {

// Where a record lies in its file.
struct RecordPlace {
  uint64_t offset = 0;  // of its length
  uint32_t size = 0;    // of its bytes
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Writes under a temporary name (PATH.tmpHOST.PID); Close() makes it PATH. Left without Close(), by return or
// by exception, nothing stays. Throws EnvironmentError naming the path and the cause.
class RecordWriter {
 public:
  // header: a text that says what the file belongs to.
  RecordWriter(std::string path, std::string_view header);
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  RecordPlace Append(std::string_view bytes);  // at most kMaxRecordSize
  void Close();                                // end mark, fsync, rename, fsync of the folder

 private:
  void Write(const void* data, size_t size);

  std::string path_, temporary_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  uint64_t offset_ = 0, num_records_ = 0;
};

inline constexpr uint32_t kMaxRecordSize = 0x7FFFFFFF;

// Reads one after the other, or each by its place. The constructor throws EnvironmentError where the file
// cannot be opened and InputError where it is none of ours or not whole; reading throws InputError at a
// damaged record.
class RecordReader {
 public:
  explicit RecordReader(const std::string& path, size_t buffer_size = size_t{1} << 20);

  const std::string& header() const { return header_; }
  const std::string& path() const { return path_; }
  uint64_t num_records() const { return num_records_; }

  bool Next(std::string& bytes);  // false: that was the last
  std::string At(const RecordPlace& place);
  // The first bytes of the next record, at most `size`, without its checksum; goes to the one after.
  bool Peek(size_t size, std::string& bytes, RecordPlace& place);

 private:
  void Read(void* data, size_t size);
  [[noreturn]] void Fail(const std::string& what) const;

  std::string path_, header_;
  std::unique_ptr<char[]> buffer_;  // outlives file_, which uses it
  std::unique_ptr<std::FILE, CloseFile> file_;
  uint64_t first_ = 0, next_ = 0;  // offsets of the first and of the next record
  uint64_t num_records_ = 0, num_read_ = 0;
};

}  // namespace colmatch
