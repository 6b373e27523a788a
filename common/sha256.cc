#include "common/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

#include "absl/strings/escaping.h"

namespace souvenir {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Fetched once: EVP_sha256() would look the algorithm up again at every use.
const EVP_MD* Algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

EVP_MD_CTX* ThreadContext() {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  return context.get();
}

// These fail only where memory or the whole library is missing, and a wrong hash must never be
// used.
void Check(int success) {
  if (success != 1) std::abort();
}

}  // namespace

Sha256::Sha256() : context_(ThreadContext()) {
  Check(EVP_DigestInit_ex2(context_, Algorithm(), nullptr));
}

void Sha256::Add(std::string_view part) {
  Add(static_cast<uint64_t>(part.size()));
  Check(EVP_DigestUpdate(context_, part.data(), part.size()));
}

void Sha256::Add(uint64_t number) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are compared across machines");
  Check(EVP_DigestUpdate(context_, &number, sizeof(number)));
}

Sha256Digest Sha256::Finish() {
  Sha256Digest digest;
  Check(EVP_DigestFinal_ex(context_, digest.data(), nullptr));
  return digest;
}

std::string HexString(const Sha256Digest& digest) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace souvenir
