#include "couponcast/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "store/posix.h"

namespace couponcast {

Result<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& path, const std::string& content) {
  COUPONCAST_RETURN_IF_ERROR(CheckPath(path));
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus("open", path);
  std::unique_ptr<FileLock> lock(new FileLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus("lock", path);
    std::array<char, 256> holder = {};
    const ssize_t got = ::pread(fd, holder.data(), holder.size(), 0);
    return IoError(path + " is locked by " + std::string(holder.data(), got > 0 ? static_cast<size_t>(got) : 0));
  }
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
    return ErrnoStatus("write", path);
  }
  return lock;
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace couponcast
