#include "hourglass/core/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

void check(int status) {
  if (status == 1) return;
  throw Error("OpenSSL refuses SHA-256: free memory, or install a libcrypto that offers it");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::update(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string Sha256::hex() const {
  // Finishing a copy leaves this one open to more bytes.
  const Sha256 copy;
  check(EVP_MD_CTX_copy_ex(copy.context_.get(), context_.get()));
  std::array<unsigned char, 32> digest;
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(copy.context_.get(), digest.data(), &size));
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace hourglass
