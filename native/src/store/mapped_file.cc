#include "couponcast/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <tuple>

#include "store/posix.h"

namespace couponcast {
namespace {

// Device, inode, size, modification time in ns: a file that was replaced or rewritten gets a map of its own.
using FileKey = std::tuple<dev_t, ino_t, off_t, int64_t, int64_t>;

struct Registry {
  std::mutex mutex;
  std::map<FileKey, std::weak_ptr<MappedFile>> maps;
};

// The only process-wide state of the core. Never destroyed: worker threads may outlive static destructors.
Registry& GlobalRegistry() {
  static auto* registry = new Registry();
  return *registry;
}

}  // namespace

Result<std::shared_ptr<MappedFile>> MappedFile::Open(const std::string& path) {
  COUPONCAST_RETURN_IF_ERROR(CheckPath(path));
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // the map stays valid without it
  if (file.get() < 0) return ErrnoStatus("open", path);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return ErrnoStatus("stat", path);
  if (!S_ISREG(info.st_mode)) return IoError("expected a regular file but " + path + " is none");
  if (info.st_size == 0) return CorruptFile(path + " is empty");

  const FileKey key{info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
  Registry& registry = GlobalRegistry();
  const std::scoped_lock lock(registry.mutex);
  std::erase_if(registry.maps, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = registry.maps.find(key); found != registry.maps.end()) {
    if (std::shared_ptr<MappedFile> live = found->second.lock()) return live;
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus("map", path);
  std::shared_ptr<MappedFile> mapped(new MappedFile(path, static_cast<const std::byte*>(data), size));
  registry.maps[key] = mapped;
  return mapped;
}

MappedFile::~MappedFile() { ::munmap(const_cast<std::byte*>(data_), size_); }

Status MappedFile::CheckedOnce(const std::string& key, const std::function<Status()>& check) {
  std::unique_lock finding(checks_mutex_);
  ContentCheck& known = checks_[key];  // stays where it is
  finding.unlock();
  const std::scoped_lock lock(known.mutex);
  if (!known.answer.has_value()) known.answer = check();
  return *known.answer;
}

void MappedFile::Release(std::span<const std::byte> part) const {
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  // Whole pages only: their neighbours belong to somebody else.
  const auto offset = static_cast<size_t>(part.data() - data_);
  const size_t begin = (offset + page - 1) / page * page;
  const size_t end = (offset + part.size()) / page * page;
  if (begin < end) ::madvise(const_cast<std::byte*>(data_ + begin), end - begin, MADV_DONTNEED);
}

size_t MappedFile::LiveCount() {
  Registry& registry = GlobalRegistry();
  const std::scoped_lock lock(registry.mutex);
  std::erase_if(registry.maps, [](const auto& entry) { return entry.second.expired(); });
  return registry.maps.size();
}

}  // namespace couponcast
