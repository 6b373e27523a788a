#include "cache/disk/page_cache_files.h"

#include <fcntl.h>
#include <rocksdb/file_system.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

// The analyzer loses sight of the text that RocksDB's status owns.
// NOLINTBEGIN(clang-analyzer-cplusplus.NewDeleteLeaks)
namespace souvenir::cache {
namespace {

// Maximum size of a read without waiting: some tens of microseconds for copy, checksum and
// decompression.
constexpr size_t kMostOnTheSpot = 64 << 10;

thread_local bool may_wait = true;

rocksdb::IOStatus FileError(const std::string& name, int error) {
  const std::string reason = std::generic_category().message(error);
  return error == ENOENT ? rocksdb::IOStatus::PathNotFound(name, reason)
                         : rocksdb::IOStatus::IOError(name, reason);
}

class File final : public rocksdb::FSRandomAccessFile {
 public:
  // Owns `descriptor`.
  File(std::string name, int descriptor) : name_(std::move(name)), descriptor_(descriptor) {}
  ~File() override { close(descriptor_); }

  rocksdb::IOStatus Read(uint64_t offset, size_t size, const rocksdb::IOOptions&,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) const override {
    return may_wait ? ReadAll(offset, size, result, scratch)
                    : ReadOnTheSpot(offset, size, result, scratch);
  }

  void Hint(AccessPattern pattern) override {
    if (pattern == kRandom) posix_fadvise(descriptor_, 0, 0, POSIX_FADV_RANDOM);
  }

 private:
  rocksdb::IOStatus ReadAll(uint64_t offset, size_t size, rocksdb::Slice* result,
                            char* scratch) const {
    size_t read = 0;
    while (read < size) {
      const ssize_t part =
          pread(descriptor_, scratch + read, size - read, static_cast<off_t>(offset + read));
      if (part == 0) break;  // the end of the file
      if (part > 0) {
        read += static_cast<size_t>(part);
      } else if (errno != EINTR) {
        return FileError(name_, errno);
      }
    }
    *result = rocksdb::Slice(scratch, read);
    return rocksdb::IOStatus::OK();
  }

  rocksdb::IOStatus ReadOnTheSpot(uint64_t offset, size_t size, rocksdb::Slice* result,
                                  char* scratch) const {
    iovec into = {scratch, size};
    const ssize_t read = size > kMostOnTheSpot ? -1
                                               : preadv2(descriptor_, &into, 1,
                                                         static_cast<off_t>(offset), RWF_NOWAIT);
    // A short read may be the end of the file or of its cached part.
    if (read < 0 || static_cast<size_t>(read) != size) {
      return rocksdb::IOStatus::TimedOut("would wait for the disk");
    }
    *result = rocksdb::Slice(scratch, size);
    return rocksdb::IOStatus::OK();
  }

  const std::string name_;
  const int descriptor_;
};

class Files final : public rocksdb::FileSystemWrapper {
 public:
  Files() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "souvenir::cache::PageCacheFiles"; }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions&,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext*) override {
    const int descriptor = open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      return FileError(name, errno);
    }
    *result = std::make_unique<File>(name, descriptor);
    return rocksdb::IOStatus::OK();
  }
};

}  // namespace

rocksdb::Env* PageCacheFiles() {
  static rocksdb::Env* const kFiles = rocksdb::NewCompositeEnv(std::make_shared<Files>()).release();
  return kFiles;
}

NoWaitingForDisk::NoWaitingForDisk() { may_wait = false; }
NoWaitingForDisk::~NoWaitingForDisk() { may_wait = true; }

}  // namespace souvenir::cache
// NOLINTEND(clang-analyzer-cplusplus.NewDeleteLeaks)
