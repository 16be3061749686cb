// An exclusive lock on a file, freed by the kernel when the process ends, however it ends.
#ifndef COUPONCAST_FILE_LOCK_H_
#define COUPONCAST_FILE_LOCK_H_

#include <memory>
#include <string>

#include "couponcast/status.h"

namespace couponcast {

class FileLock {
 public:
  // Creates `path` if need be, locks it and writes `content` (who holds it) into it. Does not wait.
  // Errors: kInvalidArgument (a NUL byte in the path); kIo; its message holds the holder's content when another process (or this one) has
  // the lock.
  static Result<std::unique_ptr<FileLock>> Acquire(const std::string& path, const std::string& content);

  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace couponcast

#endif  // COUPONCAST_FILE_LOCK_H_
