#include "cli/cache_snapshot_command.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "cli/confirm.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/output_file.h"
#include "cli/printable.h"
#include "cli/progress_line.h"
#include "cli/standard_input.h"
#include "common/read_file.h"
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

// Counts the bytes, and shows them.
class Progress {
 public:
  explicit Progress(Console& console) : line_(console) {}

  void Add(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ < shown_ + kProgressBytes) return;
    shown_ = bytes_;
    line_.Show(HumanBytes(bytes_));
  }

  // Removes the line.
  void End() { line_.Clear(); }

  uint64_t bytes() const { return bytes_; }

 private:
  ProgressLine line_;
  uint64_t bytes_ = 0;
  uint64_t shown_ = 0;
};

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
    if (console.out_is_terminal) {
      return Outcome::Usage("a snapshot is nothing for a terminal; name a file, or redirect");
    }
    return ExportTo(console.out, settings, console, &progress);
  }
  OutputFile file({.path = options.file, .content = "a snapshot", .work = "the export"}, console);
  if (Outcome checked = file.Check(); !checked.ok()) return checked;
  if (!file.is_stream() && !IsFreeOrSnapshot(options.file)) {
    Outcome confirmed =
        Confirm(options.file + " is there and is no snapshot",
                "Replace " + options.file + ", which is no snapshot?", options.yes, console);
    if (!confirmed.ok()) return confirmed;
  }
  if (Outcome opened = file.Open(); !opened.ok()) return opened;
  Outcome outcome = file.End(ExportTo(file.stream(), settings, console, &progress));
  progress.End();
  if (!outcome.ok() || file.is_stream()) return outcome;
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
