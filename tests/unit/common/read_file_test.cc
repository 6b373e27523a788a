#include "common/read_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/sha256.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir {
namespace {

using ::testing::HasSubstr;

class ReadFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  const TemporaryDirectory directory_;
};

std::string HashOf(const std::string& path) {
  Sha256 hash;
  const absl::Status hashed = HashFile(path, &hash);
  return hashed.ok() ? HexString(hash.Finish()) : hashed.ToString();
}

std::string HashOfPart(const std::string& part) {
  Sha256 hash;
  hash.Add(part);
  return HexString(hash.Finish());
}

TEST_F(ReadFileTest, ReadsWholeFilesOfAnySize) {
  for (const size_t size : {0u, 1u, 4095u, 4096u, 4097u, (3u << 20) + 5u}) {
    std::string text(size, 'x');
    if (size > 0) text.back() = '\0';
    const std::string path = Write("file", text);
    const absl::StatusOr<std::string> read = ReadFile(path, 4u << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == text) << size;
    EXPECT_EQ(HashOf(path), HashOfPart(text)) << size;
  }
}

TEST_F(ReadFileTest, ReadsFilesThatHaveNoSize) {
  const absl::StatusOr<std::string> read = ReadFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(*read, HasSubstr("VmRSS"));
  EXPECT_EQ(ReadFile("/proc/self/status", 100).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(ReadFileTest, ALimitIsKept) {
  const std::string path = Write("file", "12345");
  EXPECT_EQ(*ReadFile(path, 5), "12345");
  const absl::Status status = ReadFile(path, 4).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path + ": it has more than 4 bytes"));
}

TEST_F(ReadFileTest, AFileThatIsNotThereIsNotFound) {
  for (const std::string& path : {directory_.path() + "/absent", Write("file", "") + "/below"}) {
    EXPECT_EQ(ReadFile(path, 1).status().code(), absl::StatusCode::kNotFound) << path;
  }
}

// Each is refused with its kind, and without waiting. Opening a FIFO without a writer would block.
TEST_F(ReadFileTest, WhatIsNoFileIsNamedAndNotWaitedFor) {
  const std::string fifo = directory_.path() + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::string socket_path = directory_.path() + "/socket";
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::pair<std::string, std::string> cases[] = {
      {directory_.path(), "it is a directory, not a regular file"},
      {fifo, "it is a pipe"},
      {socket_path, "it is a socket"},
      {"/dev/zero", "it is a device"},
  };
  for (const auto& [path, expected] : cases) {
    Sha256 hash;
    for (const absl::Status& status :
         {ReadFile(path, 1).status(), HashFile(path, &hash), OpenRegularFile(path).status(),
          FileReader::Open(path).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << path;
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr("cannot read " + path + ": " + expected));
    }
  }
}

TEST_F(ReadFileTest, AReadErrorIsNamed) {
  // Address 0 of this regular file is not mapped, so that a read fails with EIO.
  const absl::Status status = ReadFile("/proc/self/mem", 1 << 20).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot read /proc/self/mem: Input/output error"));
  EXPECT_THAT(HashOf("/proc/self/mem"), HasSubstr("Input/output error"));
}

TEST_F(ReadFileTest, AFileThatIsCutWhileItIsReadIsNoShorterFile) {
  const std::string path = Write("file", "123456");
  absl::StatusOr<FileReader> file = FileReader::Open(path);
  ASSERT_TRUE(file.ok());
  char buffer[8];
  EXPECT_EQ(*file->Read(buffer, 2), 2u);
  std::filesystem::resize_file(path, 3);
  const absl::Status status = file->Read(buffer, sizeof(buffer)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("it ended after 3 of 6 bytes"));
}

TEST_F(ReadFileTest, ALinkIsWhatItPointsTo) {
  const std::string link = directory_.path() + "/link";
  std::filesystem::create_symlink(Write("file", "text"), link);
  EXPECT_EQ(*ReadFile(link, 4), "text");
}

TEST_F(ReadFileTest, AStreamMayBeADeviceButNoDirectory) {
  absl::StatusOr<FileReader> zeros = FileReader::Open("/dev/zero", FileReader::Kinds::kAnyStream);
  ASSERT_TRUE(zeros.ok()) << zeros.status();
  char buffer[8] = "1234567";
  EXPECT_EQ(*zeros->Read(buffer, 4), 4u);
  EXPECT_EQ(std::string(buffer, 8), std::string("\0\0\0\0", 4) + std::string("567\0", 4));
  EXPECT_THAT(
      FileReader::Open(directory_.path(), FileReader::Kinds::kAnyStream).status().ToString(),
      HasSubstr("it is a directory"));
}

}  // namespace
}  // namespace souvenir
