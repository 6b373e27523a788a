#include "cache/disk/page_cache_files.h"

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <fstream>
#include <memory>
#include <string>

#include "tests/fakes/temporary_directory.h"

namespace souvenir::cache {
namespace {

class PageCacheFilesTest : public testing::Test {
 protected:
  static constexpr size_t kSize = 200 << 10;

  PageCacheFilesTest() {
    for (size_t i = 0; i < kSize; ++i) content_.push_back(static_cast<char>('a' + i % 23));
    std::ofstream(path_) << content_;
    const rocksdb::IOStatus opened = PageCacheFiles()->GetFileSystem()->NewRandomAccessFile(
        path_, rocksdb::FileOptions(), &file_, nullptr);
    EXPECT_TRUE(opened.ok()) << opened.ToString();
  }

  rocksdb::IOStatus Read(uint64_t offset, size_t size, std::string* bytes) const {
    std::string scratch(size, '\0');
    rocksdb::Slice slice;
    rocksdb::IOStatus status =
        file_->Read(offset, size, rocksdb::IOOptions(), &slice, scratch.data(), nullptr);
    *bytes = status.ok() ? slice.ToString() : "";
    return status;
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/file";
  std::string content_;
  std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
};

TEST_F(PageCacheFilesTest, ReadsThatMayWaitBringAllThatThereIs) {
  std::string bytes;
  ASSERT_TRUE(Read(0, kSize, &bytes).ok());
  EXPECT_EQ(bytes, content_);
  ASSERT_TRUE(Read(1000, 50, &bytes).ok());
  EXPECT_EQ(bytes, content_.substr(1000, 50));
  ASSERT_TRUE(Read(kSize - 10, 50, &bytes).ok());
  EXPECT_EQ(bytes, content_.substr(kSize - 10));
  ASSERT_TRUE(Read(kSize + 10, 50, &bytes).ok());
  EXPECT_EQ(bytes, "");
}

// The test does not depend on what the page cache has of a file, or on whether the file system
// supports such reads. A read returns all bytes or an error, never a part.
TEST_F(PageCacheFilesTest, ReadsThatMayNotWaitBringAllOrNothing) {
  const NoWaitingForDisk on_the_spot;
  for (uint64_t offset = 0; offset < kSize; offset += 10'000) {
    std::string bytes;
    const rocksdb::IOStatus status = Read(offset, 4096, &bytes);
    const bool within = offset + 4096 <= kSize;
    if (within && status.ok()) {
      EXPECT_EQ(bytes, content_.substr(offset, 4096));
    } else {
      EXPECT_TRUE(status.IsTimedOut()) << status.ToString();
    }
  }
  std::string bytes;
  EXPECT_TRUE(Read(0, kSize, &bytes).IsTimedOut()) << "large reads take time, wherever they are";
}

TEST_F(PageCacheFilesTest, OneThreadsPatienceIsNotAnothers) {
  {
    const NoWaitingForDisk on_the_spot;
    std::string bytes;
    EXPECT_FALSE(Read(0, kSize, &bytes).ok());
    std::thread([&] { EXPECT_TRUE(Read(0, kSize, &bytes).ok()); }).join();
  }
  std::string bytes;
  EXPECT_TRUE(Read(0, kSize, &bytes).ok());
}

TEST_F(PageCacheFilesTest, AFileThatIsNotThereIsNamed) {
  const rocksdb::IOStatus status = PageCacheFiles()->GetFileSystem()->NewRandomAccessFile(
      path_ + ".other", rocksdb::FileOptions(), &file_, nullptr);
  EXPECT_TRUE(status.IsPathNotFound()) << status.ToString();
  EXPECT_NE(status.ToString().find(path_ + ".other"), std::string::npos) << status.ToString();
}

}  // namespace
}  // namespace souvenir::cache
