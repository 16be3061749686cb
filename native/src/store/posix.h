// What the users of file descriptors share.
#ifndef COUPONCAST_STORE_POSIX_H_
#define COUPONCAST_STORE_POSIX_H_

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "couponcast/status.h"

namespace couponcast {

// "cannot <operation> <path>: <errno as text>".
inline Status ErrnoStatus(const char* operation, const std::string& path) {
  return IoError(std::string("cannot ") + operation + " " + path + ": " + std::strerror(errno));
}

// The kernel would read such a path only up to the NUL and open another file.
inline Status CheckPath(const std::string& path) {
  return path.find('\0') != std::string::npos ? InvalidArgument("expected a path without NUL bytes") : Status();
}

// Closes the descriptor at the end of the scope, however that is left.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace couponcast

#endif  // COUPONCAST_STORE_POSIX_H_
