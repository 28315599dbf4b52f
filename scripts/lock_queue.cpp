// The closed queue of workloads/lock_contention.yaml as one writes it by hand: what perfsim's engines are measured by.
//
//     lock_queue CUSTOMERS SIMULATED_NS WARMUP_NS SEED
//
// Customers (CPUs) think, ask for one lock that is first come, first served, hold it, release it, for ever. For every
// lock operation this does what the simulator does for its user: the same think and hold times (random.py, ported),
// lock statistics, the histogram of waits (buckets.py), each CPU's time by category, a window after a warm-up. All its
// whole numbers are the simulator's for the same seed, replication 0: tests/scripts/test_yardsticks.py.
//
// Prints one line of JSON. `events` and `seconds` are the calendar's entries and the time in the loop, of the window
// alone; a hand-off at a release is no entry of its own.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int64_t THINK_MEAN_PS = 900'000;
constexpr int64_t HOLD_MEAN_PS = 100'000;
constexpr int64_t PS_PER_NS = 1'000;
constexpr int64_t CUSTOMERS_MAX = 1 << 20;
constexpr int64_t NS_MAX = INT64_C(1) << 52;  // warm-up and window together stay below 2**63 ps

// ---- perfsim/numeric/random.py

uint32_t mix(uint32_t word) {
    word ^= word >> 16;
    word *= 0x21F0AAADu;
    word ^= word >> 15;
    word *= 0x735A2D97u;
    word ^= word >> 15;
    return word;
}

uint32_t stream_key(uint64_t seed, uint32_t owner, uint32_t stream) {
    constexpr uint32_t STREAMS_PER_OWNER = 16;
    uint32_t run = mix(static_cast<uint32_t>(seed));
    run = mix(run ^ static_cast<uint32_t>(seed >> 32));
    run = mix(run);  // replication 0
    return mix(run ^ (owner * STREAMS_PER_OWNER + stream));
}

uint32_t draw(uint32_t key, uint32_t counter) { return mix(mix(key + counter) ^ counter * 0x2545F491u ^ key >> 7); }

int bit_length(uint64_t value) { return value ? 64 - __builtin_clzll(value) : 0; }

int64_t floor_divide(int64_t value, int64_t divisor) { return value / divisor - (value % divisor < 0); }

int64_t minus_log_q31(uint32_t high, uint32_t low) {
    constexpr int64_t ONE = INT64_C(1) << 31;
    constexpr int64_t LN2 = 1488522236;
    constexpr int64_t SQRT2 = 3037000500;
    const uint64_t odd = (static_cast<uint64_t>(high) << 21 | low >> 11) << 1 | 1;
    const int length = bit_length(odd);
    int64_t factor = static_cast<int64_t>(odd << (54 - length) >> 22);
    int64_t doublings = 55 - length;
    if (factor > SQRT2) {
        factor >>= 1;
        doublings -= 1;
    }
    const int64_t ratio = floor_divide((factor - ONE) * ONE, factor + ONE);
    const int64_t square = ratio * ratio >> 31;
    int64_t series = ONE / 11;
    series = (series * square >> 31) + ONE / 9;
    series = (series * square >> 31) + ONE / 7;
    series = (series * square >> 31) + ONE / 5;
    series = (series * square >> 31) + ONE / 3;
    series = (series * square >> 31) + ONE;
    return doublings * LN2 - (2 * ratio * series >> 31);
}

int64_t exponential(int64_t mean_ps, uint32_t high, uint32_t low) {
    const int64_t log = minus_log_q31(high, low);
    return (mean_ps >> 31) * log + ((mean_ps & 0x7FFFFFFF) * (log >> 6) >> 25);
}

// A stream of exponential durations: two draws each.
struct Durations {
    uint32_t key;
    uint32_t draws;

    int64_t next(int64_t mean_ps) {
        const uint32_t high = draw(key, draws);
        const uint32_t low = draw(key, draws + 1);
        draws += 2;
        return exponential(mean_ps, high, low);
    }
};

// ---- perfsim/numeric/buckets.py

constexpr int SUB_BITS = 6;
constexpr int CELLS = 64 * 58;

int64_t bucket(int64_t value) {
    if (value < INT64_C(1) << (SUB_BITS + 1)) return value;
    const int shift = bit_length(static_cast<uint64_t>(value)) - SUB_BITS - 1;
    return (static_cast<int64_t>(shift) << SUB_BITS) + (value >> shift);
}

// ---- what is counted: perfsim/machine/tally.py

enum Category { USER, KERNEL, SPIN, CATEGORIES };

struct Tally {
    int64_t window_start_ps = 0;
    int64_t acquisitions = 0;
    int64_t contentions = 0;
    int64_t wait_total_ps = 0;
    int64_t wait_max_ps = 0;
    int64_t hold_total_ps = 0;
    int64_t hold_max_ps = 0;
    int64_t events = 0;
    std::vector<int64_t> wait_cells = std::vector<int64_t>(CELLS);

    void acquired(bool contended, int64_t wait_ps) {
        acquisitions += 1;
        contentions += contended;
        wait_total_ps += wait_ps;
        wait_max_ps = std::max(wait_max_ps, wait_ps);
        wait_cells[bucket(wait_ps)] += 1;
    }

    // A hold, clipped to the window.
    void held(int64_t since_ps, int64_t now) {
        const int64_t hold_ps = now - std::max(since_ps, window_start_ps);
        hold_total_ps += hold_ps;
        hold_max_ps = std::max(hold_max_ps, hold_ps);
    }
};

// ---- the queue

struct Customer {
    Durations thinks;
    Durations holds;
    int64_t wait_since_ps;
    int64_t category_since_ps;
    int64_t spent_ps[CATEGORIES];
    Category category;
};

// Of one instant, holds end before thinks: who comes at the instant of a release finds the lock released.
enum Kind : uint32_t { HOLD_OVER, THINK_OVER };

struct Event {
    int64_t at_ps;
    uint64_t order;  // kind in the highest bit, serial below
    uint32_t customer;

    Kind kind() const { return static_cast<Kind>(order >> 63); }
    bool operator>(const Event& other) const {
        return at_ps != other.at_ps ? at_ps > other.at_ps : order > other.order;
    }
};

// First in, first out; nobody waits twice, so the ring never overflows.
class Waiters {
  public:
    explicit Waiters(uint32_t capacity) : ring(capacity) {}
    bool empty() const { return count == 0; }

    void push(uint32_t customer) {
        uint32_t at = head + count;
        if (at >= ring.size()) at -= static_cast<uint32_t>(ring.size());
        ring[at] = customer;
        count += 1;
    }

    uint32_t pop() {
        const uint32_t customer = ring[head];
        head = head + 1 == ring.size() ? 0 : head + 1;
        count -= 1;
        return customer;
    }

  private:
    std::vector<uint32_t> ring;
    uint32_t head = 0;
    uint32_t count = 0;
};

class LockQueue {
  public:
    Tally tally;
    std::vector<Customer> customers;

    LockQueue(uint32_t count, uint64_t seed) : customers(count), waiters(count) {
        std::vector<Event> room;
        room.reserve(count + 1);
        calendar = Calendar(std::greater<Event>(), std::move(room));
        for (uint32_t c = 0; c < count; ++c) {
            customers[c] = {{stream_key(seed, c, 0), 0}, {stream_key(seed, c, 1), 0}, 0, 0, {0, 0, 0}, KERNEL};
            think(c);
        }
    }

    // Every event before an instant. The calendar is never empty: somebody holds, or all think.
    void advance(int64_t until_ps) {
        while (calendar.top().at_ps < until_ps) {
            const Event event = calendar.top();
            calendar.pop();
            tally.events += 1;
            now = event.at_ps;
            if (event.kind() == HOLD_OVER) {
                release(event.customer);
            } else {
                spend(customers[event.customer], KERNEL);
                ask(event.customer);
            }
        }
    }

    // The warm-up is over: what was counted does not count; intervals that are open go on from here.
    void begin_window(int64_t start_ps) {
        now = start_ps;
        tally = Tally();
        tally.window_start_ps = start_ps;
        for (Customer& customer : customers) {
            std::fill_n(customer.spent_ps, CATEGORIES, 0);
            customer.category_since_ps = start_ps;
        }
    }

    // The window is over: book the CPUs' time, and the part so far of a hold.
    void end_window(int64_t end_ps) {
        now = end_ps;
        for (Customer& customer : customers) spend(customer, customer.category);
        if (is_locked) tally.held(lock_since_ps, now);
    }

    int64_t spent_ps(Category category) const {
        int64_t total_ps = 0;
        for (const Customer& customer : customers) total_ps += customer.spent_ps[category];
        return total_ps;
    }

  private:
    using Calendar = std::priority_queue<Event, std::vector<Event>, std::greater<Event>>;

    Calendar calendar;
    Waiters waiters;
    int64_t now = 0;
    uint64_t serial = 0;
    bool is_locked = false;
    int64_t lock_since_ps = 0;

    // A duration of zero (one in 900,000 thinks, one in 100,000 holds) goes on at once, without an event.

    void think(uint32_t c) {
        const int64_t think_ps = customers[c].thinks.next(THINK_MEAN_PS);
        if (think_ps == 0) return ask(c);
        spend(customers[c], USER);
        schedule(THINK_OVER, c, think_ps);
    }

    void ask(uint32_t c) {
        if (is_locked) {
            customers[c].wait_since_ps = now;
            spend(customers[c], SPIN);
            waiters.push(c);
            return;
        }
        is_locked = true;
        lock_since_ps = now;
        tally.acquired(false, 0);
        hold(c);
    }

    void hold(uint32_t c) {
        const int64_t hold_ps = customers[c].holds.next(HOLD_MEAN_PS);
        if (hold_ps == 0) return release(c);
        schedule(HOLD_OVER, c, hold_ps);
    }

    // The lock is the oldest waiter's before its last holder thinks; that one may be back at once, behind the others.
    void release(uint32_t c) {
        tally.held(lock_since_ps, now);
        if (waiters.empty()) {
            is_locked = false;
            return think(c);
        }
        const uint32_t successor = waiters.pop();
        lock_since_ps = now;
        think(c);
        spend(customers[successor], KERNEL);
        tally.acquired(true, now - customers[successor].wait_since_ps);
        hold(successor);
    }

    // Book the time since the last change of category, then change to another.
    void spend(Customer& customer, Category category) {
        customer.spent_ps[customer.category] += now - customer.category_since_ps;
        customer.category_since_ps = now;
        customer.category = category;
    }

    void schedule(Kind kind, uint32_t c, int64_t delay_ps) {
        calendar.push({now + delay_ps, static_cast<uint64_t>(kind) << 63 | serial++, c});
    }
};

// ---- the command

int64_t whole_number(const char* text, int64_t least, int64_t most) {
    char* end = nullptr;
    const long long number = std::strtoll(text, &end, 10);
    if (end == text || *end || number < least || number > most) {
        std::fprintf(stderr, "lock_queue: \"%s\" is no whole number from %lld to %lld\n", text,
                     static_cast<long long>(least), static_cast<long long>(most));
        std::exit(2);
    }
    return number;
}

void field(const char* name, int64_t value) { std::printf("\"%s\": %lld, ", name, static_cast<long long>(value)); }

void report(const LockQueue& queue, double seconds) {
    const Tally& tally = queue.tally;
    std::printf("{");
    field("customers", static_cast<int64_t>(queue.customers.size()));
    field("acquisitions", tally.acquisitions);
    field("contentions", tally.contentions);
    field("wait_total_ps", tally.wait_total_ps);
    field("wait_max_ps", tally.wait_max_ps);
    field("hold_total_ps", tally.hold_total_ps);
    field("hold_max_ps", tally.hold_max_ps);
    field("user_ps", queue.spent_ps(USER));
    field("kernel_ps", queue.spent_ps(KERNEL));
    field("spin_ps", queue.spent_ps(SPIN));
    field("events", tally.events);
    std::string cells;
    for (int cell = 0; cell < CELLS; ++cell) {
        const int64_t count = tally.wait_cells[cell];
        if (count == 0) continue;
        cells += (cells.empty() ? "[" : ", [") + std::to_string(cell) + ", " + std::to_string(count) + "]";
    }
    std::printf("\"wait_cells\": [%s], ", cells.c_str());
    std::printf("\"seconds\": %.9f, ", seconds);
    std::printf("\"operations_per_s\": %.1f}\n", static_cast<double>(tally.acquisitions) / seconds);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 5) {
        std::fprintf(stderr, "usage: lock_queue CUSTOMERS SIMULATED_NS WARMUP_NS SEED\n");
        return 2;
    }
    const auto customers = static_cast<uint32_t>(whole_number(arguments[1], 1, CUSTOMERS_MAX));
    const int64_t simulated_ps = whole_number(arguments[2], 1, NS_MAX) * PS_PER_NS;
    const int64_t warmup_ps = whole_number(arguments[3], 0, NS_MAX) * PS_PER_NS;
    const auto seed = static_cast<uint64_t>(whole_number(arguments[4], 0, INT64_MAX));

    LockQueue queue(customers, seed);
    queue.advance(warmup_ps);
    queue.begin_window(warmup_ps);
    const auto begin = std::chrono::steady_clock::now();
    queue.advance(warmup_ps + simulated_ps);
    const auto end = std::chrono::steady_clock::now();
    queue.end_window(warmup_ps + simulated_ps);
    report(queue, std::chrono::duration<double>(end - begin).count());
    return 0;
}
