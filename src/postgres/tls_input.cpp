#include "pgtraffic/postgres/tls_input.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace pgtraffic::postgres {
namespace {

int read_for_tls(BIO* bio, char* into, int size) {
    auto& input = *static_cast<TlsInput*>(BIO_get_data(bio));
    const std::size_t n = input.take({into, static_cast<std::size_t>(size)});
    BIO_clear_retry_flags(bio);
    if (n > 0) return static_cast<int>(n);
    BIO_set_retry_read(bio);  // more may come; where none does, whoever reads the socket knows
    return -1;
}

/// What the library asks of any source of bytes. It keeps none back, so there is little to tell.
long control(BIO* /*bio*/, int command, long /*number*/, void* /*more*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Lives as long as the program, as the kinds of the library do. Null where there is no memory.
const BIO_METHOD* kind() noexcept {
    static const BIO_METHOD* const made = [] {
        BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bytes that were read");
        if (method != nullptr) {
            BIO_meth_set_read(method, read_for_tls);
            BIO_meth_set_ctrl(method, control);
        }
        return method;
    }();
    return made;
}

}  // namespace

bool TlsInput::feed(ssl_st* tls) noexcept {
    BIO* bio = kind() != nullptr ? BIO_new(kind()) : nullptr;
    if (bio == nullptr) return false;
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set0_rbio(tls, bio);
    bytes_ = {};
    return true;
}

std::size_t TlsInput::take(std::span<char> into) noexcept {
    const std::size_t n = std::min(into.size(), bytes_.size());
    if (n > 0) std::memcpy(into.data(), bytes_.data(), n);
    bytes_ = bytes_.subspan(n);
    return n;
}

}  // namespace pgtraffic::postgres
