#include "pgtraffic/postgres/connect_parameters.hpp"

namespace pgtraffic::postgres {

ConnectParameters::ConnectParameters(const Conninfo& conninfo) : settings_{conninfo.settings()} {
    for (const auto& [keyword, value] : settings_) {
        keywords_.push_back(keyword.c_str());
        values_.push_back(value.c_str());
    }
    keywords_.push_back(nullptr);
    values_.push_back(nullptr);
}

}  // namespace pgtraffic::postgres
