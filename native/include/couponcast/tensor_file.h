// The container of every couponcast file: safetensors (https://github.com/huggingface/safetensors), little-endian:
//   8 bytes  N, length of the header, a multiple of 8
//   N bytes  JSON: {"__metadata__": {name: text}, tensor: {"dtype", "shape", "data_offsets": [begin, end)}}
//   rest     the tensors, widest type first, without gaps
#ifndef COUPONCAST_TENSOR_FILE_H_
#define COUPONCAST_TENSOR_FILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "couponcast/mapped_file.h"
#include "couponcast/status.h"

namespace couponcast {

enum class Dtype : uint8_t { kI64, kF64, kI32, kF32, kU8 };

int64_t DtypeBytes(Dtype dtype);
const char* DtypeName(Dtype dtype);
Result<Dtype> ParseDtype(std::string_view name);

template <typename T>
constexpr Dtype DtypeOf();
template <>
constexpr Dtype DtypeOf<int64_t>() {
  return Dtype::kI64;
}
template <>
constexpr Dtype DtypeOf<double>() {
  return Dtype::kF64;
}
template <>
constexpr Dtype DtypeOf<int32_t>() {
  return Dtype::kI32;
}
template <>
constexpr Dtype DtypeOf<float>() {
  return Dtype::kF32;
}
template <>
constexpr Dtype DtypeOf<uint8_t>() {
  return Dtype::kU8;
}

struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::kU8;
  std::vector<int64_t> shape;
};

// The name and version that couponcast writes into __metadata__ under "format" and "format_version".
inline constexpr std::string_view kFormatName = "couponcast";
inline constexpr std::string_view kFormatVersion = "1";
// Under "digest": XXH3-64 of the JSON header (with 16 zeros in place of the digest itself) and the data behind it,
// 16 lower-case hexadecimal digits.
inline constexpr std::string_view kDigestKey = "digest";

// A checked, memory-mapped file.
class TensorFile {
 public:
  struct Tensor {
    Dtype dtype = Dtype::kU8;
    std::vector<int64_t> shape;
    int64_t elements = 0;
    std::span<const std::byte> bytes;
  };

  // Opens and checks the header: every length, type, shape, bound and alignment, that tensors neither overlap nor
  // leave gaps, and the file's size. Does not touch the data, so the cost does not depend on the file's size.
  //
  // Errors: those of MappedFile::Open; kCorruptFile (not this container, truncated, inconsistent); kVersionMismatch.
  static Result<TensorFile> Open(const std::string& path);
  // The same over bytes in memory (fuzzing, tests); `bytes` must outlive the result and be 8-byte aligned.
  static Result<TensorFile> Parse(std::span<const std::byte> bytes, const std::string& name);

  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& name() const { return name_; }
  std::span<const std::byte> data() const { return data_; }
  // Null for a file parsed from memory.
  const std::shared_ptr<MappedFile>& mapped() const { return mapped_; }

  // The tensor as T. Errors: kCorruptFile when it is missing, of another dtype, or (elements >= 0) of another length.
  template <typename T>
  Result<std::span<const T>> Get(const std::string& tensor, int64_t elements = -1) const {
    Result<const Tensor*> found = Find(tensor, DtypeOf<T>(), elements);
    if (!found.ok()) return found.status();
    // Parse() checked the alignment.
    return std::span<const T>(reinterpret_cast<const T*>(found.value()->bytes.data()), static_cast<size_t>(found.value()->elements));
  }

  // Recomputes the digest; cost is one read of the file. Errors: kCorruptFile.
  Status VerifyDigest() const;

 private:
  Result<const Tensor*> Find(const std::string& tensor, Dtype dtype, int64_t elements) const;

  std::string name_;
  std::shared_ptr<MappedFile> mapped_;
  std::span<const std::byte> header_;
  std::span<const std::byte> data_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Writes a container: a temporary beside the target, filled in any order and from any thread, then digest, fsync,
// rename, fsync of the folder. Until Commit() succeeds the target is untouched.
class TensorFileWriter {
 public:
  // Lays the file out and allocates it on disk in full. Errors: kInvalidArgument (names, sizes), kIo.
  static Result<std::unique_ptr<TensorFileWriter>> Create(const std::string& path, std::vector<TensorSpec> tensors,
                                                          std::map<std::string, std::string> metadata);
  // Removes the temporary unless committed.
  ~TensorFileWriter();
  TensorFileWriter(const TensorFileWriter&) = delete;
  TensorFileWriter& operator=(const TensorFileWriter&) = delete;

  int fd() const { return fd_; }
  const std::string& temporary_path() const { return temporary_path_; }
  // Absolute position of each tensor's first byte.
  const std::map<std::string, int64_t>& offsets() const { return offsets_; }

  // Writes `bytes` at `byte_offset` of the tensor. Thread-safe for ranges that do not overlap. Errors: kOutOfRange, kIo.
  Status Write(const std::string& tensor, int64_t byte_offset, std::span<const std::byte> bytes);
  template <typename T>
  Status WriteAll(const std::string& tensor, std::span<const T> values) {
    return Write(tensor, 0, std::as_bytes(values));
  }

  // Errors: kIo; kClosed when committed or aborted before. A failed commit leaves the target as it was, unless the rename
  // was done and only the folder could not be synced.
  Status Commit();
  void Abort();

 private:
  TensorFileWriter() = default;
  Status OpenTemporary();
  Status WriteAt(int64_t position, std::span<const std::byte> bytes) const;

  std::string path_;
  std::string temporary_path_;
  std::string header_;
  int fd_ = -1;
  int64_t data_begin_ = 0;
  int64_t file_bytes_ = 0;
  int64_t digest_position_ = 0;
  std::map<std::string, int64_t> offsets_;
  std::map<std::string, int64_t> lengths_;
};

// XXH3-64 of a whole file as 16 hexadecimal digits, read in pieces (the manifest's digest of inputs).
// Errors: kInvalidArgument (a NUL byte in the path), kIo.
Result<std::string> DigestFile(const std::string& path);

}  // namespace couponcast

#endif  // COUPONCAST_TENSOR_FILE_H_
