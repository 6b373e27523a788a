#include "tests/bench/trace.h"

#include <fmt/format.h>
#include <lzma.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"

namespace souvenir::bench {
namespace {

absl::StatusOr<std::string> Decompress(const std::string& file, const std::string& packed) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) {
    return absl::InternalError("liblzma does not start");
  }
  std::string bytes;
  std::vector<uint8_t> chunk(1u << 20);
  stream.next_in = reinterpret_cast<const uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  lzma_ret result = LZMA_OK;
  while (result == LZMA_OK) {
    stream.next_out = chunk.data();
    stream.avail_out = chunk.size();
    result = lzma_code(&stream, LZMA_FINISH);
    bytes.append(reinterpret_cast<const char*>(chunk.data()), chunk.size() - stream.avail_out);
  }
  lzma_end(&stream);
  if (result != LZMA_STREAM_END) {
    return absl::InvalidArgumentError(fmt::format("{}: no sound .xz file ({})", file, +result));
  }
  return bytes;
}

absl::StatusOr<std::string> ReadBytes(const std::string& file) {
  std::string bytes;
  if (file == "-") {
    bytes.assign(std::istreambuf_iterator<char>(std::cin), {});
    return bytes;
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) return absl::NotFoundError(fmt::format("{}: cannot be read", file));
  bytes.assign(std::istreambuf_iterator<char>(in), {});
  return file.ends_with(".xz") ? Decompress(file, bytes) : bytes;
}

absl::StatusOr<std::vector<TraceRequest>> ReadRecords(
    const std::string& file, const std::string& bytes, size_t size,
    const std::function<TraceRequest(const char*)>& read) {
  if (bytes.size() % size != 0) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} bytes are no whole number of records of {}", file, bytes.size(), size));
  }
  std::vector<TraceRequest> requests;
  requests.reserve(bytes.size() / size);
  for (size_t at = 0; at < bytes.size(); at += size) requests.push_back(read(bytes.data() + at));
  return requests;
}

template <typename T>
T Load(const char* at) {
  T number;
  std::memcpy(&number, at, sizeof(number));
  return number;
}

uint64_t KeyOf(absl::string_view text) {
  uint64_t key = 0;
  if (absl::SimpleAtoi(text, &key)) return key;
  return std::hash<std::string_view>()(std::string_view(text.data(), text.size()));
}

absl::StatusOr<std::vector<TraceRequest>> ReadLines(const std::string& file,
                                                    const std::string& bytes, bool sized) {
  std::vector<TraceRequest> requests;
  size_t line_number = 0;
  for (const absl::string_view line : absl::StrSplit(bytes, '\n')) {
    ++line_number;
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::ByAnyChar(" \t,\r"), absl::SkipEmpty());
    if (fields.empty()) continue;
    TraceRequest request{};
    if (fields.size() != (sized ? 3 : 1) ||
        (sized && !absl::SimpleAtoi(fields[2], &request.bytes))) {
      return absl::InvalidArgumentError(fmt::format("{}, line {}: {} fields; expected {}", file,
                                                    line_number, fields.size(),
                                                    sized ? "'time key size'" : "one key"));
    }
    request.key = KeyOf(fields[sized ? 1 : 0]);
    requests.push_back(request);
  }
  return requests;
}

constexpr size_t kMadeRequests = 2'000'000;

// Returns a Zipf-like key with exponent 1: the logarithm of the rank is uniform.
uint64_t Skewed(std::mt19937_64& random, double keys) {
  const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
  return static_cast<uint64_t>(std::pow(keys, uniform));
}

std::vector<TraceRequest> Make(const std::string& format) {
  std::mt19937_64 random(1);
  std::vector<TraceRequest> requests;
  requests.reserve(kMadeRequests);
  for (uint64_t i = 0; i < kMadeRequests; ++i) {
    if (format == "loop") {
      requests.push_back({i % 20'000, 0});
    } else if (format == "scan" && i / 50'000 % 4 == 3) {
      requests.push_back({10'000'000 + i, 0});  // a key that occurs only once
    } else {
      requests.push_back({Skewed(random, format == "scan" ? 50'000 : 100'000), 0});
    }
  }
  return requests;
}

}  // namespace

absl::StatusOr<std::vector<TraceRequest>> ReadTrace(const std::string& file,
                                                    const std::string& format) {
  if (format == "scan" || format == "loop" || format == "zipf") return Make(format);
  SOUVENIR_ASSIGN_OR_RETURN(const std::string bytes, ReadBytes(file));
  if (format == "be32") {
    return ReadRecords(file, bytes, 4, [](const char* at) {
      return TraceRequest{__builtin_bswap32(Load<uint32_t>(at)), 0};
    });
  }
  if (format == "be64") {
    return ReadRecords(file, bytes, 8, [](const char* at) {
      return TraceRequest{__builtin_bswap64(Load<uint64_t>(at)), 0};
    });
  }
  if (format == "oracle") {
    return ReadRecords(file, bytes, 24, [](const char* at) {
      return TraceRequest{Load<uint64_t>(at + 4), Load<uint32_t>(at + 12)};
    });
  }
  if (format == "keys" || format == "text") return ReadLines(file, bytes, format == "text");
  return absl::InvalidArgumentError(fmt::format(
      "no format '{}'; there are be32, be64, keys, text, oracle, scan, loop and zipf", format));
}

}  // namespace souvenir::bench
