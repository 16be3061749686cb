#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "couponcast/tensor_file.h"
#include "store/digest.h"
#include "store/posix.h"
#include "store/tensor_limits.h"

namespace couponcast {
namespace {

constexpr size_t kDigestPiece = size_t{1} << 22;

// Adds the bytes [begin, end) of the descriptor to the digest.
Status DigestDescriptor(int fd, const std::string& path, int64_t begin, Digest* digest) {
  std::vector<std::byte> piece(kDigestPiece);
  int64_t position = begin;
  while (true) {
    const ssize_t got = ::pread(fd, piece.data(), piece.size(), position);
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus("read", path);
    }
    if (got == 0) return {};
    digest->Update(std::span(piece).first(static_cast<size_t>(got)));
    position += got;
  }
}

// A rename is durable once the folder that holds the name is on disk.
Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : (slash == 0 ? "/" : path.substr(0, slash));
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus("open", folder);
  return ::fsync(fd.get()) != 0 ? ErrnoStatus("fsync", folder) : Status();
}

}  // namespace

Result<std::unique_ptr<TensorFileWriter>> TensorFileWriter::Create(const std::string& path, std::vector<TensorSpec> tensors,
                                                                   std::map<std::string, std::string> metadata) {
  if (path.empty()) return InvalidArgument("expected a path");
  COUPONCAST_RETURN_IF_ERROR(CheckPath(path));
  // Widest type first, so that each tensor is aligned for its type without padding.
  std::ranges::stable_sort(tensors, [](const TensorSpec& a, const TensorSpec& b) { return DtypeBytes(a.dtype) > DtypeBytes(b.dtype); });

  if (tensors.size() >= kMaxHeaderEntries) return InvalidArgument("expected fewer than " + std::to_string(kMaxHeaderEntries) + " tensors");

  std::unique_ptr<TensorFileWriter> writer(new TensorFileWriter());
  nlohmann::ordered_json header;
  metadata["format"] = kFormatName;
  metadata["format_version"] = kFormatVersion;
  const std::string placeholder(16, '0');
  metadata[std::string(kDigestKey)] = placeholder;
  header["__metadata__"] = metadata;
  int64_t end = 0;
  for (const TensorSpec& tensor : tensors) {
    if (tensor.shape.size() > kMaxRank)
      return InvalidArgument("tensor " + tensor.name + ": expected at most " + std::to_string(kMaxRank) + " dimensions");
    int64_t bytes = DtypeBytes(tensor.dtype);
    for (const int64_t extent : tensor.shape) {
      if (extent < 0 || __builtin_mul_overflow(bytes, extent, &bytes)) {
        return InvalidArgument("tensor " + tensor.name + ": its shape is negative or too large");
      }
    }
    const int64_t begin = end;
    if (__builtin_add_overflow(end, bytes, &end)) return InvalidArgument("the file would exceed 2^63 bytes");
    if (!writer->offsets_.emplace(tensor.name, begin).second || tensor.name == "__metadata__") {
      return InvalidArgument("tensor " + tensor.name + ": the name is taken");
    }
    writer->lengths_[tensor.name] = bytes;
    header[tensor.name] = {{"dtype", DtypeName(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    return InvalidArgument("names and metadata of a tensor file must be UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (static_cast<int64_t>(text.size()) > kMaxHeaderBytes)
    return InvalidArgument("the names and metadata exceed " + std::to_string(kMaxHeaderBytes) + " bytes");
  writer->data_begin_ = 8 + static_cast<int64_t>(text.size());
  if (__builtin_add_overflow(writer->data_begin_, end, &writer->file_bytes_)) return InvalidArgument("the file would exceed 2^63 bytes");
  for (auto& [name, offset] : writer->offsets_) offset += writer->data_begin_;
  const std::string digest_field = "\"" + std::string(kDigestKey) + "\":\"" + placeholder + "\"";
  // A quote inside a key of the metadata could look like the field.
  if (text.find(digest_field) != text.rfind(digest_field)) return InvalidArgument("a name in the metadata imitates the digest");
  writer->digest_position_ = 8 + static_cast<int64_t>(text.find(digest_field) + digest_field.size() - 1 - placeholder.size());

  writer->path_ = path;
  COUPONCAST_RETURN_IF_ERROR(writer->OpenTemporary());
  // Blocks are allocated now: on a full disk this fails here, where a later write through a map would be a SIGBUS.
  do {
    errno = ::posix_fallocate(writer->fd_, 0, writer->file_bytes_);
  } while (errno == EINTR);
  if (errno != 0) return ErrnoStatus("reserve space for", writer->temporary_path_);
  const auto header_bytes = static_cast<uint64_t>(text.size());
  COUPONCAST_RETURN_IF_ERROR(writer->WriteAt(0, std::as_bytes(std::span(&header_bytes, 1))));
  COUPONCAST_RETURN_IF_ERROR(writer->WriteAt(8, std::as_bytes(std::span(text))));
  writer->header_ = std::move(text);
  return writer;
}

TensorFileWriter::~TensorFileWriter() { Abort(); }

// Not mkstemp: its files are 0600, and only the kernel can apply the umask to another mode.
Status TensorFileWriter::OpenTemporary() {
  static std::atomic<uint64_t> next = 0;
  do {
    temporary_path_ = path_ + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(next++);
    fd_ = ::open(temporary_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd_ < 0 && errno == EEXIST);  // of a process that was killed and had the same number
  return fd_ < 0 ? ErrnoStatus("create", temporary_path_) : Status();
}

Status TensorFileWriter::WriteAt(int64_t position, std::span<const std::byte> bytes) const {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, position + static_cast<int64_t>(done));
    if (wrote < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus("write", temporary_path_);
    }
    done += static_cast<size_t>(wrote);
  }
  return {};
}

Status TensorFileWriter::Write(const std::string& tensor, int64_t byte_offset, std::span<const std::byte> bytes) {
  if (fd_ < 0) return {StatusCode::kClosed, "the writer of " + path_ + " is closed"};
  const auto found = offsets_.find(tensor);
  if (found == offsets_.end()) return InvalidArgument(path_ + " has no tensor " + tensor);
  const int64_t length = lengths_.at(tensor);
  if (byte_offset < 0 || byte_offset > length || static_cast<int64_t>(bytes.size()) > length - byte_offset) {
    return OutOfRange("tensor " + tensor + ": bytes " + std::to_string(byte_offset) + " + " + std::to_string(bytes.size()) +
                      " exceed its length " + std::to_string(length));
  }
  return WriteAt(found->second + byte_offset, bytes);
}

Status TensorFileWriter::Commit() {
  if (fd_ < 0) return {StatusCode::kClosed, "the writer of " + path_ + " is closed"};
  Digest digest;
  digest.Update(std::as_bytes(std::span(header_)));  // with zeros in place of the digest
  COUPONCAST_RETURN_IF_ERROR(DigestDescriptor(fd_, temporary_path_, data_begin_, &digest));
  const std::string hex = digest.Hex();
  COUPONCAST_RETURN_IF_ERROR(WriteAt(digest_position_, std::as_bytes(std::span(hex))));
  if (::fsync(fd_) != 0) return ErrnoStatus("fsync", temporary_path_);
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) return ErrnoStatus("rename", temporary_path_);
  ::close(fd_);
  fd_ = -1;
  return SyncFolderOf(path_);
}

void TensorFileWriter::Abort() {
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
  ::unlink(temporary_path_.c_str());
}

Result<std::string> DigestFile(const std::string& path) {
  COUPONCAST_RETURN_IF_ERROR(CheckPath(path));
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus("open", path);
  Digest digest;
  COUPONCAST_RETURN_IF_ERROR(DigestDescriptor(fd.get(), path, 0, &digest));
  return digest.Hex();
}

}  // namespace couponcast
