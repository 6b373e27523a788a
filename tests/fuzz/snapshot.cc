// Fuzzes the import of snapshots, which are files of users.

#include "cache/snapshot.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.h"

namespace souvenir::cache {
namespace {

struct Outcome {
  absl::Status status;
  std::string again;  // the entries that were read, written as a snapshot
};

Outcome ReadInPieces(std::string_view bytes, size_t piece) {
  Outcome outcome;
  SnapshotWriter writer(&outcome.again);
  SnapshotReader reader([&](const Entry::Fields& entry) {
    writer.Add(*Entry::Create(entry));
    return absl::OkStatus();
  });
  for (; outcome.status.ok() && !bytes.empty();
       bytes.remove_prefix(std::min(piece, bytes.size()))) {
    outcome.status = reader.Feed(bytes.substr(0, piece));
  }
  if (outcome.status.ok()) outcome.status = reader.Finish();
  Require(reader.entries() == writer.entries(), "every entry is visited");
  if (outcome.status.ok()) writer.End();
  return outcome;
}

void Try(std::string_view bytes) {
  const Outcome whole = ReadInPieces(bytes, bytes.size());
  Require(whole.status.ok() || absl::IsDataLoss(whole.status), "an error is DATA_LOSS");
  const Outcome pieces = ReadInPieces(bytes, 7);
  Require(pieces.status.ok() == whole.status.ok(), "pieces do not change the status");
  Require(pieces.again == whole.again, "pieces do not change the entries");
  if (whole.status.ok()) {
    Require(ReadInPieces(whole.again, 4096).again == whole.again, "a written snapshot can be read");
  }
}

}  // namespace
}  // namespace souvenir::cache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::cache::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
