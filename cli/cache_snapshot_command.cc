#include "cli/cache_snapshot_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>

#include "absl/functional/function_ref.h"
#include "cli/confirm.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/standard_input.h"
#include "common/read_file.h"
#include "common/unique_fd.h"
#include "souvenir/v1/cache.grpc.pb.h"

namespace souvenir::cli {
namespace {

constexpr size_t kChunkBytes = 256u << 10;
constexpr uint64_t kProgressBytes = 16u << 20;

Connection::Options ToAdminForLong(const Settings& settings) {
  Connection::Options options = settings.ToAdmin();
  options.timeout = absl::Hours(24 * 7);
  return options;
}

// Shows the progress in a line on a terminal.
class Progress {
 public:
  explicit Progress(Console& console) : console_(console) {}
  ~Progress() {
    if (shown_ > 0) console_.err << "\r\x1b[K";
  }

  void Add(size_t bytes) {
    bytes_ += bytes;
    if (!console_.out_is_terminal || bytes_ < shown_ + kProgressBytes) return;
    shown_ = bytes_;
    console_.err << fmt::format("\r\x1b[K{}", HumanBytes(bytes_)) << std::flush;
  }

  uint64_t bytes() const { return bytes_; }

 private:
  Console& console_;
  uint64_t bytes_ = 0;
  uint64_t shown_ = 0;
};

Outcome FileError(std::string_view what, const std::string& file) {
  return {ExitCode::kFailed,
          fmt::format("cannot {} {}: {}", what, file, std::generic_category().message(errno))};
}

Outcome Failed(const absl::Status& status) {
  return {ExitCode::kFailed, std::string(status.message())};
}

Outcome ExportTo(std::ostream& out, const Settings& settings, Console& console,
                 Progress* progress) {
  Connection connection(ToAdminForLong(settings), souvenir::v1::CacheService::service_full_name(),
                        console.clock);
  const auto stub = souvenir::v1::CacheService::NewStub(connection.channel());
  return connection.Call([&](grpc::ClientContext* context) {
    const auto reader = stub->Export(context, {});
    souvenir::v1::ExportResponse response;
    while (reader->Read(&response)) {
      progress->Add(response.data().size());
      out.write(response.data().data(), static_cast<std::streamsize>(response.data().size()));
      if (!out) context->TryCancel();
    }
    return reader->Finish();
  });
}

// Fills the buffer, or less of it at the end of the snapshot. Returns how much; 0 is the end.
using ReadChunk = absl::FunctionRef<absl::StatusOr<size_t>(char* buffer, size_t size)>;

Outcome ImportFrom(const std::string& file, ReadChunk read, const Settings& settings,
                   Console& console, Progress* progress, souvenir::v1::ImportResponse* response) {
  std::string next(kChunkBytes, '\0');
  absl::StatusOr<size_t> size = read(next.data(), kChunkBytes);
  if (!size.ok()) return Failed(size.status());
  if (*size == 0) return {ExitCode::kFailed, file + " is empty"};
  Connection connection(ToAdminForLong(settings), souvenir::v1::CacheService::service_full_name(),
                        console.clock);
  const auto stub = souvenir::v1::CacheService::NewStub(connection.channel());
  const Outcome outcome = connection.Call([&](grpc::ClientContext* context) {
    const auto writer = stub->Import(context, response);
    souvenir::v1::ImportRequest request;
    while (*size > 0) {
      next.resize(*size);
      request.mutable_data()->swap(next);
      progress->Add(*size);
      if (!writer->Write(request)) break;  // the status has the reason
      next.resize(kChunkBytes);
      size = read(next.data(), kChunkBytes);
      if (!size.ok()) {
        context->TryCancel();
        break;
      }
    }
    writer->WritesDone();
    return writer->Finish();
  });
  return size.ok() ? outcome : Failed(size.status());
}

using std::filesystem::file_type;

// Returns the type of what `file` leads to; not_found or none if nothing is there or can be seen.
file_type TypeOf(const std::string& file) {
  std::error_code error;
  return std::filesystem::status(file, error).type();
}

// Returns what an export can neither replace nor write to, "a directory", or an empty text for any
// other type. A disk is not written to, because a snapshot would destroy what is on it.
std::string_view NameOfRefused(file_type type) {
  switch (type) {
    case file_type::directory:
      return "a directory";
    case file_type::block:
      return "a disk";
    case file_type::socket:
      return "a socket";
    default:
      return "";
  }
}

bool IsTerminal(const std::string& device) {
  const UniqueFd opened(open(device.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return opened && isatty(opened.get()) == 1;
}

Outcome NothingForATerminal() {
  return Outcome::Usage("a snapshot is nothing for a terminal; name a file, or redirect");
}

// Tells that the command waits for the other end of a pipe that has a name. To open such a pipe may
// take for ever. A pipe without a name, as /dev/stdout or >(...) in a shell, has its other end.
void SayIfItWaits(const std::string& file, std::string_view for_what, Console& console) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(file, error);
  if (error || TypeOf(path) != file_type::fifo) return;
  console.err << fmt::format("{} is a pipe: {}.\n", Printable(file), for_what) << std::flush;
}

// Returns true if an export may replace `file` without a question: it is not there, empty, or a
// snapshot. Other errors show when it is written.
bool IsFreeOrSnapshot(const std::string& file) {
  constexpr std::string_view kBeginning = "souvenir-snapshot-";
  absl::StatusOr<FileReader> reader = FileReader::Open(file);
  if (!reader.ok()) return !absl::IsPermissionDenied(reader.status());
  std::string beginning(kBeginning.size(), '\0');
  const absl::StatusOr<size_t> size = reader->Read(beginning.data(), beginning.size());
  return size.ok() && (*size == 0 || beginning == kBeginning);
}

}  // namespace

Outcome CacheExport(const CacheSnapshotOptions& options, const Settings& settings,
                    Console& console) {
  Progress progress(console);
  if (options.file == "-") {
    if (console.out_is_terminal) return NothingForATerminal();
    return ExportTo(console.out, settings, console, &progress);
  }
  const file_type type = TypeOf(options.file);
  if (const std::string_view refused = NameOfRefused(type); !refused.empty()) {
    return {ExitCode::kFailed,
            fmt::format("cannot write {}: it is {}; a snapshot goes to a file, a "
                        "pipe, or a device that is no disk",
                        options.file, refused)};
  }
  if (type == file_type::character && IsTerminal(options.file)) return NothingForATerminal();
  if (type == file_type::character || type == file_type::fifo) {
    SayIfItWaits(options.file, "the export begins when something reads from it", console);
    std::ofstream out(options.file, std::ios::binary);
    if (!out) return FileError("write", options.file);
    Outcome outcome = ExportTo(out, settings, console, &progress);
    out.close();
    return out ? outcome : FileError("write", options.file);
  }
  if (!IsFreeOrSnapshot(options.file)) {
    Outcome confirmed =
        Confirm(options.file + " is there and is no snapshot",
                "Replace " + options.file + ", which is no snapshot?", options.yes, console);
    if (!confirmed.ok()) return confirmed;
  }
  // The file has another name until it is complete.
  const std::string part = options.file + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  if (!out) return FileError("write", part);
  Outcome outcome = ExportTo(out, settings, console, &progress);
  out.close();
  if (!out) outcome = FileError("write", part);
  if (outcome.ok() && std::rename(part.c_str(), options.file.c_str()) != 0) {
    outcome = FileError("write", options.file);
  }
  if (!outcome.ok()) {
    std::remove(part.c_str());
    return outcome;
  }
  console.out << fmt::format("Exported {} to {}.\n", HumanBytes(progress.bytes()),
                             Printable(options.file));
  return {};
}

Outcome CacheImport(const CacheSnapshotOptions& options, const Settings& settings,
                    Console& console) {
  souvenir::v1::ImportResponse response;
  Outcome outcome;
  {
    Progress progress(console);
    if (options.file == "-") {
      outcome = ImportFrom(
          "standard input",
          [&](char* buffer, size_t size) { return Read(console.in, buffer, size); }, settings,
          console, &progress, &response);
    } else {
      SayIfItWaits(options.file, "the import begins when something writes to it", console);
      absl::StatusOr<FileReader> file =
          FileReader::Open(options.file, FileReader::Kinds::kAnyStream);
      if (!file.ok()) return Failed(file.status());
      outcome = ImportFrom(
          options.file, [&](char* buffer, size_t size) { return file->Read(buffer, size); },
          settings, console, &progress, &response);
    }
  }
  if (!outcome.ok()) return outcome;
  if (settings.json) {
    console.out << ToJson(response) << '\n';
  } else {
    console.out << fmt::format(
        "Imported {} of {} entries{}.\n", response.taken(), response.entries(),
        response.taken() < response.entries() ? "; the others were known already" : "");
  }
  return {};
}

}  // namespace souvenir::cli
