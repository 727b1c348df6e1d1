#include "support/http_client.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>

#include "support/catch.hpp"

namespace pgtraffic::test {

HttpClient::HttpClient(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    REQUIRE(fd_ >= 0);
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

HttpClient::~HttpClient() {
    ::close(fd_);
}

bool HttpClient::send(std::string_view text) {
    while (!text.empty()) {
        const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

const std::string& HttpClient::read(std::string_view end) {
    char buffer[16384];
    while (end.empty() || received_.find(end) == std::string::npos) {
        const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
        if (n <= 0) break;
        received_.append(buffer, static_cast<std::size_t>(n));
    }
    return received_;
}

std::string HttpReply::header(std::string_view name) const {
    const auto at = head.find("\r\n" + std::string{name} + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

HttpReply http_get(std::uint16_t port, const std::string& path, const std::string& method) {
    HttpClient client{port};
    client.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const auto& all = client.read();
    HttpReply reply;
    const auto gap = all.find("\r\n\r\n");
    if (gap == std::string::npos) return reply;
    reply.head = all.substr(0, gap + 2);
    reply.body = all.substr(gap + 4);
    if (const auto blank = reply.head.find(' '); blank != std::string::npos)
        reply.status = std::atoi(reply.head.c_str() + blank + 1);
    return reply;
}

}  // namespace pgtraffic::test
