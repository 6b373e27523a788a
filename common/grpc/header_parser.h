#pragma once

#include <grpc/slice.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"

struct grpc_chttp2_transport;
struct grpc_chttp2_stream;
struct grpc_metadata_batch;

namespace souvenir {

// The parser of header blocks of gRPC 1.51, as far as header_blocks.cc looks into it: see
// src/core/ext/transport/chttp2/transport/hpack_parser.h there. HeaderBlocksTest holds this layout
// to the library. Only with SOUVENIR_HTTP2_LIMITS.
struct HeaderParser {
  enum class Boundary : uint8_t { kNone, kEndOfHeaders, kEndOfStream };
  enum class Priority : uint8_t { kNone, kIncluded };
  struct LogInfo {
    uint32_t stream;
    uint8_t type;
    bool is_client;
  };

  grpc_metadata_batch* fields;    // where fields are put; null: they are skipped
  std::vector<uint8_t> unparsed;  // the beginning of a field whose end has not come
  Boundary boundary;              // what the frame ends
  Priority priority;              // whether five bytes of priority precede the fields
  uint8_t table_updates_allowed;
  uint32_t bytes;  // of the fields so far, as HTTP/2 counts a header list
  uint32_t limit;
  LogInfo log_info;
  // More follows.
};

// gRPC's functions, which the linker leads here first (--wrap). They are called by one thread at a
// time for each parser.

void MakeHeaderParser(HeaderParser* parser) asm("__wrap__ZN9grpc_core11HPackParserC1Ev");

// Begins a HEADERS frame or a CONTINUATION frame.
void BeginHeaderFrame(HeaderParser* parser, grpc_metadata_batch* fields, uint32_t limit, HeaderParser::Boundary boundary, HeaderParser::Priority priority, HeaderParser::LogInfo log_info) asm(
    "__wrap__ZN9grpc_core11HPackParser10BeginFrameEP19grpc_metadata_batchjNS0_8BoundaryENS0_"
    "8PriorityENS0_7LogInfoE");

// Parses a piece of a frame. An error closes the connection.
absl::Status
ParseHeaders(HeaderParser* parser, grpc_chttp2_transport* transport, grpc_chttp2_stream* stream, const grpc_slice& piece, int is_last) asm(
    "__wrap__Z31grpc_chttp2_header_parser_parsePvP21grpc_chttp2_transport"
    "P18grpc_chttp2_streamRK10grpc_slicei");

}  // namespace souvenir
