// How the queries of a load are put to the server.
#pragma once

#include <cstdint>

namespace pgtraffic::simulation {

enum class Protocol : std::uint8_t {
    extended,  ///< parsed anew each time
    prepared,  ///< parsed once a connection
};

}  // namespace pgtraffic::simulation
