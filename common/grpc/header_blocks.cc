// Holds a whole header block to the limit of metadata: a HEADERS frame and the CONTINUATION frames
// that follow it. gRPC 1.51 counts anew with each frame, so a client that sends CONTINUATION
// without end could take any amount of memory. docs/adr/0024-http2-limits.md has the reasons.

#include <grpc/slice.h>
#include <grpcpp/version_info.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "common/grpc/header_parser.h"
#include "common/grpc/http2_limits.h"
#include "common/logging/log_limit.h"
#include "common/logging/logging.h"

static_assert(GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR == 51,
              "header_blocks.cc is for gRPC 1.51; configure with -DSOUVENIR_HTTP2_LIMITS=OFF");

namespace souvenir {

// gRPC's original functions.
void RealMakeHeaderParser(HeaderParser* parser) asm("__real__ZN9grpc_core11HPackParserC1Ev");
void RealBeginHeaderFrame(HeaderParser* parser, grpc_metadata_batch* fields, uint32_t limit, HeaderParser::Boundary boundary, HeaderParser::Priority priority, HeaderParser::LogInfo log_info) asm(
    "__real__ZN9grpc_core11HPackParser10BeginFrameEP19grpc_metadata_batchjNS0_8BoundaryENS0_"
    "8PriorityENS0_7LogInfoE");
absl::Status
RealParseHeaders(HeaderParser* parser, grpc_chttp2_transport* transport, grpc_chttp2_stream* stream, const grpc_slice& piece, int is_last) asm(
    "__real__Z31grpc_chttp2_header_parser_parsePvP21grpc_chttp2_transport"
    "P18grpc_chttp2_streamRK10grpc_slicei");

namespace {

constinit Logger log{"grpc"};
constinit LogLimit closed_limit{1};

std::atomic<uint64_t> closed_for_metadata{0};

// A field takes more on the wire than gRPC counts if it is binary: base64 adds a third.
uint64_t MostUnparsed(const HeaderParser& parser) { return uint64_t{2} * parser.limit; }

// Keeps `piece` for a later parse. gRPC parses an unfinished field from its beginning with every
// piece that comes, so small pieces would cost the square of its length. The next parse is when
// twice as much has come. Returns whether the piece was kept.
bool Keep(HeaderParser& parser, const grpc_slice& piece, bool ends_block) {
  std::vector<uint8_t>& unparsed = parser.unparsed;
  if (unparsed.empty() || ends_block || parser.priority != HeaderParser::Priority::kNone) {
    return false;
  }
  // After a parse, gRPC leaves a vector without spare capacity. A vector with spare capacity is
  // between two parses.
  if (unparsed.size() == unparsed.capacity()) unparsed.reserve(2 * unparsed.size() + 1);
  const size_t size = unparsed.size() + GRPC_SLICE_LENGTH(piece);
  if (size >= unparsed.capacity() || size > MostUnparsed(parser)) return false;
  unparsed.insert(unparsed.end(), GRPC_SLICE_START_PTR(piece), GRPC_SLICE_END_PTR(piece));
  return true;
}

}  // namespace

uint64_t ConnectionsClosedForMetadata() { return closed_for_metadata.load(); }

void MakeHeaderParser(HeaderParser* parser) {
  RealMakeHeaderParser(parser);
  // gRPC does not initialize these before the first frame.
  parser->boundary = HeaderParser::Boundary::kEndOfHeaders;
  parser->bytes = 0;
}

void BeginHeaderFrame(HeaderParser* parser, grpc_metadata_batch* fields, uint32_t limit,
                      HeaderParser::Boundary boundary, HeaderParser::Priority priority,
                      HeaderParser::LogInfo log_info) {
  using enum HeaderParser::Boundary;
  const bool continues = parser->boundary == kNone;
  const uint32_t bytes = parser->bytes;
  // For a block that it skips, gRPC 1.51 passes the opposite boundary. An unfinished field would
  // then go on in the next block, and each block would seem to continue the one before.
  if (fields == nullptr) boundary = boundary == kNone ? kEndOfHeaders : kNone;
  RealBeginHeaderFrame(parser, fields, limit, boundary, priority, log_info);
  if (continues) parser->bytes = bytes;
}

absl::Status ParseHeaders(HeaderParser* parser, grpc_chttp2_transport* transport,
                          grpc_chttp2_stream* stream, const grpc_slice& piece, int is_last) {
  if (MustCloseForResets(transport)) {
    return absl::ResourceExhaustedError("too many calls ended early");
  }
  const bool ends_block = is_last != 0 && parser->boundary != HeaderParser::Boundary::kNone;
  if (Keep(*parser, piece, ends_block)) return absl::OkStatus();
  absl::Status parsed = RealParseHeaders(parser, transport, stream, piece, is_last);
  const bool fits =
      parser->bytes <= parser->limit && parser->unparsed.size() <= MostUnparsed(*parser);
  if (ABSL_PREDICT_TRUE(fits)) {
    const bool is_whole = ends_block && parsed.ok() && stream != nullptr;
    if (!is_whole || parser->log_info.is_client ||
        AddOpenMetadata(transport, parser->log_info.stream, parser->bytes)) {
      return parsed;
    }
  }
  closed_for_metadata.fetch_add(1);
  log.Warning(closed_limit, "a connection is closed: its metadata is above the limit",
              {{"peer", parser->log_info.is_client ? "server" : "client"},
               {"limit_bytes", uint64_t{parser->limit}}});
  if (!parsed.ok()) return parsed;
  return absl::ResourceExhaustedError(
      "a header field, or the calls together, are above the limit of metadata");
}

}  // namespace souvenir
