#include "cli/cache_snapshot_command.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "common/unique_fd.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string ReadFile(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

class CacheSnapshotTest : public CommandLineTest {};

TEST_F(CacheSnapshotTest, ASnapshotGoesToAFileAndComesFromOne) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/snapshot";
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", file}), 0);
  EXPECT_EQ(out_, "Exported 17 B to " + file + ".\n");
  gateway_.cache.snapshot = "";
  EXPECT_EQ(Run({"cache", "import", file}), 0);
  EXPECT_EQ(gateway_.cache.snapshot, "all that is known");
  EXPECT_EQ(out_, "Imported 4 of 5 entries; the others were known already.\n");
  EXPECT_EQ(Run({"cache", "export", "-"}), 0);
  EXPECT_EQ(out_, "all that is known");
  EXPECT_EQ(Run({"--json", "cache", "import", "-"}, "from a pipe"), 0);
  EXPECT_EQ(gateway_.cache.snapshot, "from a pipe");
  EXPECT_EQ(out_, "{\"entries\":\"5\",\"taken\":\"4\"}\n");
}

TEST_F(CacheSnapshotTest, AnExportThatFailsLeavesWhatWasThere) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/snapshot";
  std::ofstream(file) << "of yesterday";
  gateway_.cache.snapshot = "half";
  gateway_.cache.snapshot_status = {grpc::StatusCode::UNAVAILABLE, "the disk tier is away"};
  EXPECT_EQ(Run({"cache", "export", "--yes", file}), 1);
  EXPECT_THAT(err_, HasSubstr("the disk tier is away"));
  EXPECT_THAT(ReadFile(file), "of yesterday");
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

TEST_F(CacheSnapshotTest, ASnapshotThatCannotBeReadOrWrittenIsNamed) {
  const TemporaryDirectory directory;
  const std::string nowhere = directory.path() + "/no/file";
  EXPECT_EQ(Run({"cache", "export", nowhere}), 1);
  EXPECT_THAT(err_, HasSubstr("cannot write " + nowhere + ".part: No such file"));
  EXPECT_EQ(Run({"cache", "import", nowhere}), 1);
  EXPECT_THAT(err_, HasSubstr("cannot read " + nowhere + ": No such file"));
  EXPECT_EQ(Run({"cache", "import", directory.path()}), 1);
  EXPECT_THAT(err_, HasSubstr("it is a directory"));
  std::ofstream(directory.path() + "/empty");
  EXPECT_EQ(Run({"cache", "import", directory.path() + "/empty"}), 1);
  EXPECT_THAT(err_, HasSubstr("/empty is empty"));
  terminal_ = true;
  EXPECT_EQ(Run({"cache", "export", "-"}), 2);
  EXPECT_THAT(err_, HasSubstr("nothing for a terminal"));
}

TEST_F(CacheSnapshotTest, AnExportReplacesASnapshotAndNothingElse) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/file";
  gateway_.cache.snapshot = "souvenir-snapshot-1\nof today";
  std::ofstream(file) << "listen_address: \"127.0.0.1:8001\"";
  EXPECT_EQ(Run({"cache", "export", file}), 2);
  EXPECT_THAT(err_, HasSubstr(file + " is there and is no snapshot"));
  EXPECT_THAT(err_, HasSubstr("--yes"));
  EXPECT_THAT(ReadFile(file), StartsWith("listen_address"));
  std::ofstream(file) << "souvenir-snapshot-1\nof yesterday";
  EXPECT_EQ(Run({"cache", "export", file}), 0);
  EXPECT_EQ(ReadFile(file), gateway_.cache.snapshot);
  std::ofstream(file, std::ios::trunc);
  EXPECT_EQ(Run({"cache", "export", file}), 0);  // an empty file, as mktemp makes it
}

TEST_F(CacheSnapshotTest, AnExportToADeviceLeavesTheDevice) {
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", "/dev/null"}), 0);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(CacheSnapshotTest, AnExportRefusesWhatItCanNeitherReplaceNorWriteTo) {
  const TemporaryDirectory directory;
  EXPECT_EQ(Run({"cache", "export", directory.path()}), 1);
  EXPECT_EQ(err_, "souvenir: cannot write " + directory.path() +
                      ": it is a directory; a snapshot goes to a file, a pipe, or a device that is "
                      "no disk\n");
  EXPECT_FALSE(std::filesystem::exists(directory.path() + ".part"));
  const std::string path = directory.path() + "/socket";
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at = {};
  at.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof(at.sun_path));
  path.copy(at.sun_path, path.size());
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
  EXPECT_EQ(Run({"cache", "export", path}), 1);
  EXPECT_THAT(err_, HasSubstr("it is a socket"));
}

TEST_F(CacheSnapshotTest, AnExportDoesNotGoToATerminalWhateverItsName) {
  int master = -1;
  int terminal = -1;
  char name[64];
  ASSERT_EQ(openpty(&master, &terminal, name, nullptr, nullptr), 0);
  const UniqueFd owns_master(master);
  const UniqueFd owns_terminal(terminal);
  EXPECT_EQ(Run({"cache", "export", name}), 2);
  EXPECT_THAT(err_, HasSubstr("nothing for a terminal"));
}

TEST_F(CacheSnapshotTest, TheOtherEndOfANamedPipeIsWaitedForWithAWord) {
  const TemporaryDirectory directory;
  const std::string pipe = directory.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  gateway_.cache.snapshot = "all that is known";
  std::string exported;
  std::thread reader([&] { exported = ReadFile(pipe); });
  EXPECT_EQ(Run({"cache", "export", pipe}), 0);
  EXPECT_EQ(err_, pipe + " is a pipe: the export begins when something reads from it.\n");
  reader.join();
  EXPECT_EQ(exported, "all that is known");
  std::thread writer([&] { std::ofstream(pipe) << "from a pipe"; });
  EXPECT_EQ(Run({"cache", "import", pipe}), 0);
  EXPECT_EQ(err_, pipe + " is a pipe: the import begins when something writes to it.\n");
  writer.join();
  EXPECT_EQ(gateway_.cache.snapshot, "from a pipe");
}

TEST_F(CacheSnapshotTest, APipeWithoutANameIsUsedWithoutAWord) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", "/dev/fd/" + std::to_string(in.get())}), 0);
  EXPECT_THAT(err_, IsEmpty());
  in.Close();
  gateway_.cache.snapshot = "";
  EXPECT_EQ(Run({"cache", "import", "/dev/fd/" + std::to_string(out.get())}), 0);
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(gateway_.cache.snapshot, "all that is known");
}

}  // namespace
}  // namespace souvenir::cli
