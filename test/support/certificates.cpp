#include "support/certificates.hpp"

#include <filesystem>
#include <fstream>
#include <vector>

#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace pgtraffic::test {
namespace {

void openssl(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{"/usr/bin/openssl"};
    for (const auto& argument : arguments) argv.push_back(argument);
    const auto done = run_process(argv);
    INFO(done.err);
    REQUIRE(done.exit_code == 0);
}

}  // namespace

Authority::Authority() {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=pgtraffic test authority", "-keyout", path("ca.key"), "-out", path("ca.crt")});
}

void Authority::sign(const std::string& name, const std::string& common_name, const std::string& host) const {
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=" + common_name, "-keyout", path(name + ".key"), "-out", path(name + ".csr")});
    std::vector<std::string> arguments{"x509",
                                       "-req",
                                       "-in",
                                       path(name + ".csr"),
                                       "-CA",
                                       path("ca.crt"),
                                       "-CAkey",
                                       path("ca.key"),
                                       "-CAcreateserial",
                                       "-days",
                                       "2",
                                       "-out",
                                       path(name + ".crt")};
    if (!host.empty()) {
        std::ofstream{path(name + ".ext")} << "subjectAltName=DNS:" << host << "\n";
        arguments.emplace_back("-extfile");
        arguments.push_back(path(name + ".ext"));
    }
    openssl(arguments);
    std::filesystem::permissions(path(name + ".key"), std::filesystem::perms{0600});
}

std::string Authority::text(const std::string& file) const {
    return read_file(path(file));
}

}  // namespace pgtraffic::test
