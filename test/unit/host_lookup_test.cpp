// Names of hosts while a load connects: what is not found is said, and never left to libpq, which would look
// it up while the loop stands still. A name that begins with a hyphen is refused without asking anybody.
#include "pgtraffic/simulation/host_lookup.hpp"

#include <string>

#include "pgtraffic/event_loop/loop.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using simulation::HostLookup;
using State = HostLookup::State;

namespace {

const base::Mono kNow = base::mono_now();

class Asker {
 public:
    explicit Asker(const std::string& hosts)
        : lookup_{loop_, postgres::Conninfo::parse("host=" + hosts, "test"),
                  base::Callback<>::to<&Asker::on_answer>(*this)} {}

    /// Waits for the answer, which comes at once.
    State ask(base::Mono now) {
        comes_at_ = now;
        const State state = lookup_.ask(now);
        const int before = answers_;
        loop_.run();
        return answers_ > before ? lookup_.ask(now) : state;
    }
    /// For the answer, which comes at that time.
    void wait(base::Mono then = kNow) {
        comes_at_ = then;
        loop_.run();
    }
    [[nodiscard]] int answers() const noexcept { return answers_; }
    [[nodiscard]] HostLookup& lookup() noexcept { return lookup_; }

 private:
    void on_answer() noexcept {
        lookup_.answered(comes_at_);
        ++answers_;
    }

    int answers_ = 0;
    base::Mono comes_at_;
    event_loop::Loop loop_;
    HostLookup lookup_;
};

}  // namespace

TEST_CASE("where no name is found there is nowhere to connect to, and it is told once for each look-up") {
    Asker asker{"-nowhere-"};
    CHECK(asker.ask(kNow) == State::failed);
    CHECK_THAT(asker.lookup().error(),
               Catch::StartsWith("could not translate host name \"-nowhere-\" to address: "));
    CHECK(asker.ask(kNow + 999ms) == State::waiting);
    CHECK(asker.answers() == 1);
    CHECK(asker.lookup().retry_at() == kNow + 1s);
    CHECK(asker.ask(kNow + 1s) == State::failed);
    CHECK(asker.answers() == 2);
}

TEST_CASE("a look-up that took long and found nothing is told before the next one begins") {
    Asker asker{"-nowhere-"};
    REQUIRE(asker.lookup().ask(kNow) == State::waiting);
    asker.wait();
    CHECK(asker.lookup().ask(kNow + 5s) == State::failed);
    CHECK(asker.answers() == 1);
    CHECK(asker.lookup().retry_at() < kNow + 5s);
    CHECK(asker.ask(kNow + 5s) == State::failed);
    CHECK(asker.answers() == 2);
}

TEST_CASE("what is asked again is waited for, and where that takes long the old addresses do") {
    Asker asker{"localhost"};
    REQUIRE(asker.ask(kNow) == State::ready);
    REQUIRE(asker.lookup().ask(kNow + 1s) == State::waiting);  // the name may have moved
    CHECK(asker.lookup().retry_at() == kNow + 2s);
    CHECK(asker.lookup().ask(kNow + 1999ms) == State::waiting);
    CHECK(asker.lookup().ask(kNow + 2s) == State::ready);
    asker.wait(kNow + 2s);
    CHECK(asker.lookup().ask(kNow + 2100ms) == State::ready);
    CHECK(asker.answers() == 2);
    CHECK(asker.lookup().retry_at() == base::Mono::max());
}

TEST_CASE("an answer is fresh from when it came, however long that took") {
    Asker slow{"localhost"};
    REQUIRE(slow.lookup().ask(kNow) == State::waiting);
    slow.wait(kNow + 1500ms);
    CHECK(slow.lookup().ask(kNow + 1500ms) == State::ready);
    CHECK(slow.lookup().ask(kNow + 2499ms) == State::ready);
    CHECK(slow.lookup().ask(kNow + 2500ms) == State::waiting);
    CHECK(slow.lookup().retry_at() == kNow + 3500ms);
    slow.wait(kNow + 4s);
    CHECK(slow.lookup().ask(kNow + 4900ms) == State::ready);
    CHECK(slow.answers() == 2);
}

TEST_CASE("a host whose address is given is not looked up, and one beside it is") {
    Asker given{"-nowhere-,-neither- hostaddr=10.0.0.1,10.0.0.2"};
    CHECK(given.ask(kNow) == State::ready);
    CHECK(given.answers() == 0);
    Asker half{"-nowhere-,localhost hostaddr=10.0.0.1,"};
    CHECK(half.lookup().ask(kNow) == State::waiting);
    half.wait();
    CHECK(half.lookup().ask(kNow) == State::ready);
    CHECK(half.answers() == 1);
}

TEST_CASE("what needs no look-up is ready, and one host that is found will do") {
    Asker address{"127.0.0.1"};
    CHECK(address.ask(kNow) == State::ready);
    CHECK(address.answers() == 0);
    CHECK(address.lookup().retry_at() == base::Mono::max());
    for (const char* hosts :
         {"-nowhere-,localhost", "localhost,-nowhere-", "-nowhere-,127.0.0.1", "/tmp,-nowhere-"}) {
        INFO(hosts);
        Asker some{hosts};
        CHECK(some.ask(kNow) == State::ready);
        CHECK(some.answers() == 1);
        CHECK(some.lookup().retry_at() == base::Mono::max());
        CHECK(some.ask(kNow + 1s) == State::ready);
        CHECK(some.answers() == 2);  // a name may have moved
    }
}
