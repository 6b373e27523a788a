#include "common/file_stamp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <utime.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/unique_fd.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir {
namespace {

class FileStampTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  // Sets the time of the last change of the content, as `cp -p` and `touch -d` do.
  void SetModified(time_t seconds) {
    const utimbuf times{seconds, seconds};
    ASSERT_EQ(utime(path_.c_str(), &times), 0);
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/file";
};

TEST_F(FileStampTest, ChangesWithTheFileAndNotByReading) {
  EXPECT_EQ(StampOf(path_), std::nullopt);
  Write("one");
  const auto before = StampOf(path_);
  ASSERT_TRUE(before);
  EXPECT_TRUE(before->is_regular);
  EXPECT_EQ(before->size, 3u);
  std::string text;
  std::ifstream(path_) >> text;
  EXPECT_EQ(StampOf(path_), before);
  Write("longer");
  EXPECT_NE(StampOf(path_), before);
}

TEST_F(FileStampTest, AReplacedFileHasAnotherStampThoughSizeAndTimeAreTheSame) {
  Write("one");
  SetModified(1'000'000);
  const auto before = StampOf(path_);
  std::filesystem::rename(path_, path_ + ".old");
  Write("two");
  SetModified(1'000'000);
  const auto after = StampOf(path_);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->size, before->size);
  EXPECT_EQ(after->modified_ns, before->modified_ns);
  EXPECT_NE(after, before);
}

TEST_F(FileStampTest, IsOfTheFileThatALinkLeadsTo) {
  Write("one");
  const std::string link = directory_.path() + "/link";
  std::filesystem::create_symlink("file", link);
  EXPECT_EQ(StampOf(link), StampOf(path_));
  std::filesystem::remove(path_);
  EXPECT_EQ(StampOf(link), std::nullopt);
}

TEST_F(FileStampTest, IsOfAnOpenFileToo) {
  Write("one");
  const UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(StampOf(file.get()), StampOf(path_));
  EXPECT_EQ(StampOf(-1), std::nullopt);
  EXPECT_FALSE(StampOf(directory_.path())->is_regular);
}

}  // namespace
}  // namespace souvenir
