#include "pgtraffic/base/processors.hpp"

#include "support/catch.hpp"

using namespace pgtraffic;

TEST_CASE("of several processors the load gets one and the server the others, of a single one nobody any") {
    base::Processors before{};
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    const auto shared = base::share_processors();
    if (CPU_COUNT(&before) == 1) {
        CHECK_FALSE(shared);
        return;
    }
    REQUIRE(shared);
    CHECK(shared->count == CPU_COUNT(&before));
    CHECK(CPU_COUNT(&shared->load) == 1);
    base::Processors both{};
    CPU_AND(&both, &shared->load, &shared->server);
    CHECK(CPU_COUNT(&both) == 0);
    CPU_OR(&both, &shared->load, &shared->server);
    CHECK(CPU_EQUAL(&both, &before));

    base::keep_to(shared->load);
    base::Processors kept{};
    CHECK(sched_getaffinity(0, sizeof kept, &kept) == 0);
    const bool as_wished = CPU_EQUAL(&kept, &shared->load);
    CHECK_FALSE(base::share_processors());
    base::keep_to(before);
    CHECK(as_wished);
}
