// Forgets memory, so that a test may show that the sanitizers' build would see it.
#include <memory>

int main() {
    auto* volatile forgotten = std::make_unique<int>(1).release();
    forgotten = nullptr;
    return forgotten == nullptr ? 0 : 1;
}
