#include "compute-service/backends/model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/fakes/fake_backend.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ModelFilesTest : public ::testing::Test {
 protected:
  ModelFilesTest() {
    description_.config.set_name("m");
    description_.directory = Path("1");
    Write("1/weights", "one");
    Write("1/parts/more", "two");
  }

  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  void Write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(Path(name)).parent_path());
    std::ofstream(Path(name)) << text;
  }

  FilesCheck Note() {
    auto check = MakeFilesCheck(&backend_, description_,
                                [this](const std::string& state) { states_.push_back(state); });
    EXPECT_TRUE(check.ok()) << check.status();
    EXPECT_TRUE((*check)().ok());
    return *std::move(check);
  }

  const TemporaryDirectory directory_;
  FakeBackend backend_;
  ModelDescription description_;
  std::vector<std::string> states_;
};

TEST_F(ModelFilesTest, AChangeIsAnErrorThatSaysWhatHelps) {
  const FilesCheck check = Note();
  Write("1/weights", "changed");
  const absl::Status status = check();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("the files of model 'm' have changed since they were last read"),
                    HasSubstr("`souvenir models load m`"), Not(HasSubstr(directory_.path()))));
}

TEST_F(ModelFilesTest, FilesThatAreAddedRemovedOrReplacedAreChanges) {
  FilesCheck check = Note();
  Write("1/parts/new", "");
  EXPECT_FALSE(check().ok());

  check = Note();
  fs::remove(Path("1/parts/new"));
  EXPECT_FALSE(check().ok());

  check = Note();
  Write("new", "eno");
  fs::last_write_time(Path("new"), fs::last_write_time(Path("1/weights")));
  fs::rename(Path("new"), Path("1/weights"));
  EXPECT_FALSE(check().ok());

  check = Note();
  fs::remove_all(Path("1"));
  EXPECT_FALSE(check().ok());
}

TEST_F(ModelFilesTest, ARestoredFileHasChanged) {
  const FilesCheck check = Note();
  const auto time = fs::last_write_time(Path("1/weights"));
  Write("1/weights", "other");
  Write("1/weights", "one");
  fs::last_write_time(Path("1/weights"), time);
  EXPECT_FALSE(check().ok());
}

TEST_F(ModelFilesTest, AChangeOfTheSameSizeRightAfterTheNoteIsFound) {
  for (int i = 0; i < 5; ++i) {
    Write("1/weights", "one");
    const FilesCheck check = Note();
    Write("1/weights", "two");
    EXPECT_FALSE(check().ok());
  }
}

TEST_F(ModelFilesTest, FilesThatTheDigestLeavesOutMayChange) {
  const FilesCheck check = Note();
  Write("1/__pycache__/model.pyc", "compiled");
  Write("config.pbtxt", "name: \"m\"");
  fs::create_directory(Path("1/empty"));
  EXPECT_EQ(check(), absl::OkStatus());
}

TEST_F(ModelFilesTest, EachStateOfTheFilesIsTold) {
  const FilesCheck check = Note();
  Write("1/weights", "changed");
  (void)check();
  (void)check();
  Write("1/weights", "changed again");
  (void)check();
  fs::remove_all(Path("1"));
  (void)check();
  ASSERT_EQ(states_.size(), 4u);
  EXPECT_EQ(states_[0], states_[1]);
  EXPECT_NE(states_[1], states_[2]);
  EXPECT_NE(states_[2], states_[3]);
  EXPECT_NE(states_[3], "");
}

TEST_F(ModelFilesTest, AModelWithoutFilesNeedsNoCheck) {
  description_.directory.clear();
  const auto check = MakeFilesCheck(&backend_, description_);
  ASSERT_TRUE(check.ok());
  EXPECT_FALSE(static_cast<bool>(*check));
  description_.check_files = *check;
  EXPECT_TRUE(description_.CheckFiles().ok());
}

TEST_F(ModelFilesTest, ABackendNamesFilesElsewhere) {
  Write("package", "one");
  backend_.SetFiles({Path("package")});
  FilesCheck check = Note();
  Write("package", "upgraded");
  EXPECT_FALSE(check().ok());
  check = Note();
  fs::remove(Path("package"));
  EXPECT_FALSE(check().ok());
}

}  // namespace
}  // namespace souvenir::compute
