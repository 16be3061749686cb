// Read-only memory maps, one per file and process however many threads open it.
#ifndef COUPONCAST_MAPPED_FILE_H_
#define COUPONCAST_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "couponcast/status.h"

namespace couponcast {

class MappedFile {
 public:
  // Maps `path` or returns the map that this process already holds of the same file (same device, inode, size
  // and modification time). Thread-safe. The map lives as long as its last owner. Costs the same for any size.
  //
  // The file must not be truncated in place while mapped: that is a SIGBUS. Writers of couponcast never do so,
  // they write a new file and rename it.
  //
  // Errors: kInvalidArgument (a NUL byte in the path), kIo (cannot open, stat or map; not a regular file),
  // kCorruptFile (empty file).
  static Result<std::shared_ptr<MappedFile>> Open(const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  // Runs `check` the first time that it is called on this map under `key` and remembers the answer, so that content is
  // checked once per process, not once per opener. The key names all that the check depends on (which tensors, of
  // which lengths): an answer about one must not pass for an answer about another. Checks under other keys can run meanwhile.
  Status CheckedOnce(const std::string& key, const std::function<Status()>& check);

  // Gives back the memory of `part`, a part of bytes(): reading it again costs a fault, as at the first time. May be called
  // while others read.
  void Release(std::span<const std::byte> part) const;

  // Number of live maps in this process (for tests of leaks).
  static size_t LiveCount();

 private:
  MappedFile(std::string path, const std::byte* data, size_t size) : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const std::byte* data_;
  size_t size_;
  // Under way or made.
  struct ContentCheck {
    std::mutex mutex;
    std::optional<Status> answer;
  };
  std::mutex checks_mutex_;
  std::map<std::string, ContentCheck> checks_;
};

}  // namespace couponcast

#endif  // COUPONCAST_MAPPED_FILE_H_
