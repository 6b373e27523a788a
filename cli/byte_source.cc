#include "cli/byte_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "cli/standard_input.h"
#include "common/read_file.h"
#include "common/status_macros.h"

namespace souvenir::cli {
namespace {

constexpr int kLookMs = 100;  // time after which a reader that waits looks if it was stopped

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// Takes SIGINT once. A handler is used because the threads of gRPC exist already, and would have to
// block the signal for anything else.
class TakesInterrupt {
 public:
  TakesInterrupt() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    (void)sigaction(SIGINT, &action, &before_);
  }
  TakesInterrupt(const TakesInterrupt&) = delete;
  TakesInterrupt& operator=(const TakesInterrupt&) = delete;
  ~TakesInterrupt() { (void)sigaction(SIGINT, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

class DescriptorBytes final : public ByteSource {
 public:
  explicit DescriptorBytes(int fd) : fd_(fd) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    while (!stopped_) {
      // Bytes that were written before the interrupt belong to the recording.
      const bool ends = interrupted;
      pollfd waits{.fd = fd_, .events = POLLIN, .revents = 0};
      const int ready = poll(&waits, 1, ends ? 0 : kLookMs);
      if (ready == 0 && ends) return 0;
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      const ssize_t count = ready < 0 ? -1 : read(fd_, buffer, size);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno == EINTR || errno == EAGAIN) continue;
      return absl::InternalError(
          fmt::format("cannot read standard input: {}", std::generic_category().message(errno)));
    }
    return 0;
  }

  void Stop() override { stopped_ = true; }

 private:
  const int fd_;
  std::atomic<bool> stopped_{false};
  const TakesInterrupt takes_interrupt_;
};

class StreamBytes final : public ByteSource {
 public:
  explicit StreamBytes(std::istream* in) : in_(in) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    return cli::Read(*in_, buffer, size);
  }

 private:
  std::istream* const in_;
};

class FileBytes final : public ByteSource {
 public:
  explicit FileBytes(FileReader reader) : reader_(std::move(reader)) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    return reader_.Read(buffer, size);
  }

 private:
  FileReader reader_;
};

class MemoryBytes final : public ByteSource {
 public:
  explicit MemoryBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    const size_t count = std::min(size, bytes_.size() - at_);
    if (count > 0) std::memcpy(buffer, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> MakeStandardInput(Console& console) {
  if (console.in_descriptor >= 0) return std::make_unique<DescriptorBytes>(console.in_descriptor);
  return std::make_unique<StreamBytes>(&console.in);
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileBytes(const std::string& path) {
  SOUVENIR_ASSIGN_OR_RETURN(FileReader reader, FileReader::Open(path));
  return std::make_unique<FileBytes>(std::move(reader));
}

std::unique_ptr<ByteSource> MakeBytes(std::string bytes) {
  return std::make_unique<MemoryBytes>(std::move(bytes));
}

}  // namespace souvenir::cli
