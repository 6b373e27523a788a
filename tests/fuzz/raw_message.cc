// Fuzzes requests as they arrive on the wire, in pieces. The first byte of the input is the size of
// the pieces minus 1.

#include "gateway/rpc/raw_message.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inference/grpc_service.pb.h"
#include "souvenir/v1/translation.pb.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/require.h"

namespace souvenir::gateway {
namespace {

constexpr size_t kMostBytes = 64u << 20;

grpc::ByteBuffer InPieces(std::string_view bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  while (!bytes.empty()) {
    const size_t size = std::min(piece, bytes.size());
    slices.emplace_back(bytes.data(), size);
    bytes.remove_prefix(size);
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

template <typename Message>
void TryAs(std::string_view bytes, size_t piece) {
  Message whole;
  Message pieces;
  const grpc::Slice slice(bytes.data(), bytes.size());
  const absl::Status status = ParseMessage(grpc::ByteBuffer(&slice, 1), kMostBytes, &whole);
  Require(ParseMessage(InPieces(bytes, piece), kMostBytes, &pieces) == status,
          "pieces do not change the status");
  if (!status.ok()) {
    Require(absl::IsInvalidArgument(status), "an error is INVALID_ARGUMENT");
    return;
  }
  Require(BytesOf(pieces) == BytesOf(whole), "pieces do not change the message");
  Message again;
  const std::string written = BytesOf(whole);
  Require(ParseMessage(InPieces(written, piece), kMostBytes, &again).ok(),
          "a written message can be read");
  Require(BytesOf(again) == BytesOf(whole), "writing and reading keep the message");
}

void Try(std::string_view data) {
  if (data.empty()) return;
  SilenceProtobuf();
  const size_t piece = 1 + static_cast<uint8_t>(data[0]);
  TryAs<inference::ModelInferRequest>(data.substr(1), piece);
  TryAs<v1::TranslateRequest>(data.substr(1), piece);
}

}  // namespace
}  // namespace souvenir::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::gateway::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
