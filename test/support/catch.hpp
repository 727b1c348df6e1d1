// Catch2's header under the name that the installed version gives it (Debian 12: v2, later: v3).
#pragma once

#ifdef PGTRAFFIC_CATCH_V3
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
