// What the theory of queues says of a load, for tests that compare a run with it.
#pragma once

namespace pgtraffic::test {

/// Erlang's C formula: the probability that all k servers are busy, at offered load a < k.
/// Kleinrock, Queueing Systems I (1975), section 3.5.
[[nodiscard]] inline double erlang_c(int k, double a) {
    double term = 1;
    double sum = 0;
    for (int i = 0; i < k; ++i) {
        sum += term;
        term *= a / (i + 1);
    }
    const double last = term * k / (k - a);
    return last / (sum + last);
}

}  // namespace pgtraffic::test
