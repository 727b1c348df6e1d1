#include "support/routed_network.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/subprocess.hpp"

namespace pgtraffic::test {
namespace {

constexpr const char* kClient = "192.0.2.2";

int this_namespace() {
    return ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

/// A new one, in which the thread then stands; -1 where that is not allowed.
int new_namespace() {
    return ::unshare(CLONE_NEWNET) == 0 ? this_namespace() : -1;
}

void enter(int name) {
    if (::setns(name, CLONE_NEWNET) != 0) throw std::runtime_error("a network namespace is gone");
}

/// `ip` in the namespace in which the thread stands.
bool ip(const std::string& words) {
    return run_process({"/bin/sh", "-c", "exec ip " + words}).exit_code == 0;
}

/// An interface of the router, and at its other end the only one of a machine.
bool join(int machine, const char* interface) {
    return ip(fmt::format("link add name {} type veth peer name eth0 netns /proc/{}/fd/{}", interface,
                          ::getpid(), machine));
}

bool bring_up(const char* interface, const std::string& address) {
    return ip("link set dev lo up") && ip(fmt::format("address add {}/30 dev {}", address, interface)) &&
           ip(fmt::format("link set dev {} up", interface));
}

bool set_forwarding(bool on) {
    const int fd = ::open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
    const bool written = fd >= 0 && ::write(fd, on ? "1" : "0", 1) == 1;
    if (fd >= 0) ::close(fd);
    return written;
}

}  // namespace

RoutedNetwork::RoutedNetwork() : before_{this_namespace()} {
    if (before_ < 0) return;
    client_ = new_namespace();
    server_ = new_namespace();
    router_ = new_namespace();
    if (client_ < 0 || server_ < 0 || router_ < 0) return;
    bool made = join(client_, "toclient") && join(server_, "toserver") && bring_up("toclient", "192.0.2.1") &&
                bring_up("toserver", "192.0.2.5") && set_forwarding(true);
    enter(client_);
    made = made && bring_up("eth0", kClient) && ip("route add default via 192.0.2.1");
    enter(server_);
    here_ = server_;
    available_ = made && bring_up("eth0", kServer) && ip("route add default via 192.0.2.5");
}

RoutedNetwork::~RoutedNetwork() {
    if (before_ >= 0) ::setns(before_, CLONE_NEWNET);
    for (const int name : {before_, client_, router_, server_}) {
        if (name >= 0) ::close(name);
    }
}

void RoutedNetwork::enter_client() {
    enter(here_ = client_);
}
void RoutedNetwork::enter_server() {
    enter(here_ = server_);
}

void RoutedNetwork::let_pass(bool all) {
    // A router that does not forward drops what is not for itself, and sends no error.
    enter(router_);
    const bool done = set_forwarding(all);
    enter(here_);
    if (!done) throw std::runtime_error("the router does not obey");
}

void RoutedNetwork::swallow() {
    let_pass(false);
}
void RoutedNetwork::forward() {
    let_pass(true);
}

LossyLink::LossyLink() : before_{this_namespace()} {
    if (before_ < 0) return;
    client_ = new_namespace();
    server_ = new_namespace();
    bridge_at_ = new_namespace();
    if (client_ < 0 || server_ < 0 || bridge_at_ < 0) return;
    const std::vector<std::string> script{"/usr/bin/python3",
                                          PGTRAFFIC_SOURCE_DIR "/test/support/lossy_bridge.py"};
    const auto as_on_a_wire = [&](const char* interface) {
        return run_process({script[0], script[1], interface}).exit_code == 0;
    };
    const auto machine = [&](int name, const char* address) {
        enter(name);
        return ip(fmt::format("address add {}/24 dev eth0", address)) && ip("link set dev eth0 up") &&
               as_on_a_wire("eth0");
    };
    const bool joined = join(client_, "toclient") && join(server_, "toserver") &&
                        ip("link set dev toclient up") && ip("link set dev toserver up") &&
                        as_on_a_wire("toclient") && as_on_a_wire("toserver");
    if (!joined || !machine(client_, "192.0.2.5") || !machine(server_, kServer)) return;
    enter(bridge_at_);
    bridge_ =
        std::make_unique<Process>(std::vector<std::string>{script[0], script[1], "toserver", "toclient"});
    available_ = bridge_->wait_for_stdout("ready");
    enter_server();
}

LossyLink::~LossyLink() {
    if (before_ >= 0) ::setns(before_, CLONE_NEWNET);
    bridge_.reset();
    for (const int name : {before_, client_, server_, bridge_at_}) {
        if (name >= 0) ::close(name);
    }
}

void LossyLink::enter_client() {
    enter(client_);
}
void LossyLink::enter_server() {
    enter(server_);
}

}  // namespace pgtraffic::test
