//! Caches: hit ratios under skewed popularity, expiry, stampedes; rate limits.

use super::Within::{Absolute, Relative};
use super::{Effort, Figure, Row, Table, combine, measure, times};

pub const ROWS: Table = &[
    ("cache-10000-0.8-100", |row| zipf(row, 10_000, 0.8, 100, 300)),
    ("cache-10000-1.0-1000", |row| zipf(row, 10_000, 1.0, 1_000, 300)),
    ("cache-1000000-0.99-10000", |row| zipf(row, 1_000_000, 0.99, 10_000, 500)),
    ("cache-local-vs-shared", local_or_shared),
    ("ttl-10000-1.0-1000-10", expiry),
    ("stampede-10-3-1", stampede),
    ("cache-loss-amplification", loss),
    ("tokenbucket-1.0-10", token_bucket),
];

/// Reads of keys by popularity, through a cache, from a store that takes no time.
fn cached(rate: f64, keys: &str, cache: &str) -> String {
    format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"{rate}/s\", keys: {keys})),
            \"cache\": (kind: cache({cache})),
            \"db\": (kind: database(connections: 1000, read: \"0s\")),
        }}, links: [(from: \"client\", to: \"cache\"), (from: \"cache\", to: \"db\")])"
    )
}

fn zipf(row: &Row, keys: u32, exponent: f64, entries: u32, thousands: u32) -> Vec<Figure> {
    let popularity = format!("Zipf(keys: {keys}, exponent: {exponent})");
    let mut effort = Effort::requests(1_000.0, thousands);
    // A cache is warm when it was filled and refilled a few times.
    effort.warm_up *= 2.0;
    effort.seeds = 8;
    // SIEVE takes its time to find out what is worth keeping.
    let patient = Effort { seeds: 4, warm_up: 20.0 * effort.warm_up, length: 30.0 * effort.warm_up };
    let of = |metric: &str, policy: &str| {
        let text = cached(1_000.0, &popularity, &format!("policy: {policy}, capacity: Entries({entries})"));
        let effort = if policy == "Sieve" { patient } else { effort };
        let [hits] = measure(&text, effort, ["cache.hit_ratio"]);
        // Che's formula is an approximation, and the others were simulated without an error given.
        Figure::new(metric, row.want(metric), Absolute(0.003), hits).approximate()
    };
    vec![
        of("lru_che", "Lru"),
        of("fifo_random_che", "Fifo"),
        of("fifo_random_che", "Random"),
        of("clock_sim", "Clock"),
        of("sieve_sim", "Sieve"),
    ]
}

fn local_or_shared(row: &Row) -> Vec<Figure> {
    let keys = "Zipf(keys: 100000, exponent: 0.9)";
    let nodes: String = (0..10).map(|i| format!("\"c{i}\": (kind: cache(capacity: Entries(1000))),")).collect();
    let links: String =
        (0..10).map(|i| format!("(from: \"balancer\", to: \"c{i}\"), (from: \"c{i}\", to: \"db\"),")).collect();
    let local = format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"1000/s\", keys: {keys})),
            \"balancer\": (kind: load_balancer(balance: Random)),
            \"db\": (kind: database(connections: 1000, read: \"0s\")), {nodes}
        }}, links: [(from: \"client\", to: \"balancer\"), {links}])"
    );
    let effort = Effort { seeds: 8, warm_up: 200.0, length: 700.0 };
    let [c0, c1, offered] = measure(&local, effort, ["c0.hit_ratio", "c1.hit_ratio", "offered"]);
    assert!(offered.iter().all(|rate| (990.0..1_010.0).contains(rate)));
    let [shared] = measure(&cached(1_000.0, keys, "capacity: Entries(10000)"), effort, ["cache.hit_ratio"]);
    vec![
        Figure::new("hit_local", row.want("hit_local"), Absolute(0.005), combine(&c0, &c1, |a, b| (a + b) / 2.0))
            .approximate(),
        Figure::new("hit_shared", row.want("hit_shared"), Absolute(0.005), shared).approximate(),
    ]
}

fn expiry(row: &Row) -> Vec<Figure> {
    let text = cached(1_000.0, "Zipf(keys: 10000, exponent: 1.0)", "capacity: Entries(100000), ttl: \"10s\"");
    let effort = Effort { seeds: 16, warm_up: 30.0, length: 430.0 };
    let [hits, misses] = measure(&text, effort, ["cache.hit_ratio", "db.arrivals"]);
    vec![
        Figure::new("hit_fixed_ttl_from_fill", row.want("hit_fixed_ttl_from_fill"), Absolute(0.003), hits),
        Figure::new("backend_rps_fixed", row.want("backend_rps_fixed"), Relative(0.02), misses),
    ]
}

/// One key, asked for ten times a second, that takes three seconds to make.
fn stampede(row: &Row) -> Vec<Figure> {
    let text = |more: &str| {
        cached(10.0, "Uniform(keys: 1)", &format!("ttl: \"60s\"{more}")).replace("read: \"0s\"", "read: \"3s\"")
    };
    // What was filled first, after about 3 s, expires at about 66 s, when the last of the first fills does.
    let [plain] = measure(&text(""), Effort::from_empty(200, 96.0), ["cache.misses @ 60s..80s"]);
    let [early] = measure(&text(", early_refresh: 1.0"), Effort::from_empty(5_000, 96.0), ["db.arrivals @ 20s..80s"]);
    vec![
        Figure::new("plain_expected", row.want("plain_expected"), Relative(0.03), times(&plain, 20.0)),
        Figure::new(
            "xfetch_expected_closed_form",
            row.want("xfetch_expected_closed_form"),
            Relative(0.03),
            times(&early, 60.0),
        ),
    ]
}

/// A cache beside the database, asked first; without it everything goes to the database.
fn loss(row: &Row) -> Vec<Figure> {
    let text = "(nodes: {
            \"client\": (kind: client(rate: \"3000/s\", arrivals: Constant, keys: Uniform(keys: 1000))),
            \"app\": (kind: service(slots: 100000, cores: 100000, work: \"0s\", queue_limit: None)),
            \"cache\": (kind: cache(capacity: Entries(900))),
            \"db\": (kind: database(connections: 100000, read: \"1ms\")),
        }, links: [
            (from: \"client\", to: \"app\"),
            (from: \"app\", to: \"cache\", step: 1, optional: true),
            (from: \"app\", to: \"db\", step: 2, when: (after_miss: \"cache\"), name: \"miss\"),
            (from: \"app\", to: \"cache\", step: 3, when: (after_miss: \"cache\"), name: \"fill\", operation: Write),
            (from: \"app\", to: \"db\", step: 2, when: (after_failure: \"cache\"), name: \"instead\"),
        ],
        timeline: [(at: \"48s\", do: Kill(\"cache\"))])";
    let paths = ["db.arrivals @ 24s..48s", "db.arrivals @ 60s..96s"];
    let [before, after] = measure(text, Effort::from_empty(16, 96.0), paths);
    vec![
        Figure::new("db_load_before", row.want("db_load_before"), Relative(0.01), before),
        Figure::new("db_load_after_loss", row.want("db_load_after_loss"), Relative(0.001), after).approximate(),
    ]
}

fn token_bucket(row: &Row) -> Vec<Figure> {
    let text = "(nodes: {
            \"client\": (kind: client(rate: \"1000/s\")),
            \"limiter\": (kind: rate_limiter(algorithm: TokenBucket, rate: \"1000/s\", burst: 10)),
            \"service\": (kind: service(slots: 100000, cores: 100000, work: \"0s\", queue_limit: None)),
        }, links: [(from: \"client\", to: \"limiter\"), (from: \"limiter\", to: \"service\")])";
    let [refused, passed] = measure(text, Effort::requests(1_000.0, 200), ["failed_share", "service.throughput"]);
    vec![
        Figure::new("reject_fraction", row.want("reject_fraction"), Absolute(0.002), refused),
        Figure::new("pass_rate_over_r", row.want("pass_rate_over_r"), Relative(0.02), times(&passed, 1e-3)),
    ]
}
