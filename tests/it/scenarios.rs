//! Every scenario that comes with the program: it runs, its expectations hold, and each of them fails when the point that
//! it makes is taken away.

use std::path::{Path, PathBuf};
use tailboard::design::{Design, set_parameter};
use tailboard::run::{Run, Verdict, figure, judge};
use tailboard::scenario;

/// The calm chain of the retry storm, made as wild as the other.
const WITHOUT_BUDGETS: &[&str] = &[
    "same_crowd->calm_web.retry=(attempts: 3, backoff: (base: \"20ms\"))",
    "calm_web->calm_app.retry=(attempts: 3, backoff: (base: \"20ms\"))",
    "calm_app->calm_store.retry=(attempts: 3, backoff: (base: \"20ms\"))",
];

/// Scenario, the beginning of an expectation, and what takes away its point and nothing else: parameters to set, a link
/// that leads elsewhere (`from->to => elsewhere`), or `-timeline`.
const POINTS: &[(&str, &str, &[&str])] = &[
    ("url_shortener", "redirect.p99", &["cache.capacity=Entries(100)"]),
    ("url_shortener", "cache.hit_ratio", &["cache.capacity=Entries(100)"]),
    ("url_shortener", "db.arrivals", &["cache.capacity=Entries(100)"]),
    ("url_shortener", "good_share", &["api.replicas=1"]),
    ("news_feed", "read.p99 @ 10s..40s", &["api->feeds.calls=10"]),
    ("news_feed", "post.mean", &["api->waiting_posts => fan_out"]),
    ("news_feed", "feeds.arrivals", &["fan_out->feeds.calls=1"]),
    ("news_feed", "waiting_posts.lag_mean", &["fan_out.work=1s"]),
    ("news_feed", "read.p99 @ 40s..46s", &["fan_out_of_the_famous.calls=200"]),
    ("news_feed", "read.late_share", &["fan_out_of_the_famous.calls=200"]),
    ("rate_limited_api", "customer.good_share", &["gateway.per_tenant=false"]),
    ("rate_limited_api", "customer.p99", &["gateway.rate=1M/s", "gateway.burst=100000"]),
    ("rate_limited_api", "crawl.failed_share", &["gateway.rate=1M/s", "gateway.burst=100000"]),
    ("rate_limited_api", "api.core_utilization", &["gateway.rate=1M/s", "gateway.burst=100000"]),
    ("cache_outage", "plain_db.arrivals", &["plain_cache.single_flight=true"]),
    ("cache_outage", "plain.late_share", &["plain_cache.single_flight=true"]),
    ("cache_outage", "calm.good_share @ 30s..35s", &["calm_cache.single_flight=false"]),
    ("cache_outage", "calm_db.arrivals @ 30s..31s", &["-timeline"]),
    ("cache_outage", "calm_db.arrivals @ 50s..60s", &["calm_cache.capacity=Entries(10)"]),
    ("retry_storm", "store.arrivals", &["web->app.retry=None", "app->store.retry=None"]),
    ("retry_storm", "calm_store.arrivals", WITHOUT_BUDGETS),
    (
        "retry_storm",
        "storm.good_share",
        &[
            "crowd->web.retry=(attempts: 3, backoff: (base: \"20ms\"), budget: (share: 0.1, most: 10))",
            "web->app.retry=(attempts: 3, backoff: (base: \"20ms\"), budget: (share: 0.1, most: 10))",
            "app->store.retry=(attempts: 3, backoff: (base: \"20ms\"), budget: (share: 0.1, most: 10))",
        ],
    ),
    ("retry_storm", "budget.good_share", WITHOUT_BUDGETS),
    ("queue_vs_direct", "direct.failed_share", &["shop->handlers => orders"]),
    ("queue_vs_direct", "queued.good_share", &["same_shop->orders => workers"]),
    ("queue_vs_direct", "queued.p99", &["same_shop->orders => workers"]),
    ("queue_vs_direct", "orders.lag_p99", &["same_shop.shape=Steady"]),
    ("queue_vs_direct", "orders.queue", &["same_shop.shape=Step(at: \"20s\", to: 5.0)"]),
    ("hot_shard", "skewed.p99", &["fans.keys=Uniform(keys: 100000)"]),
    ("hot_shard", "skewed.failed_share", &["fans.keys=Uniform(keys: 100000)"]),
    ("hot_shard", "even.p99", &["everybody.keys=Zipf(keys: 100000, exponent: 1.5)"]),
    ("hot_shard", "more.p99", &["same_fans.keys=Zipf(keys: 100000, exponent: 1.3)"]),
    ("hot_shard", "more.utilization", &["more.shards=8"]),
    ("horizontal_vs_vertical", "out.mean @ 10s..60s", &["balancer.balance=LeastConnections"]),
    ("horizontal_vs_vertical", "up.failed_share", &["-timeline"]),
    ("horizontal_vs_vertical", "out.failed_share", &["small.replicas=1", "small.slots=4", "small.cores=4"]),
    ("horizontal_vs_vertical", "out.mean @ 62s..88s", &["-timeline"]),
    ("read_replicas", "spread_read.p99", &["spread.reads_from=Primary"]),
    ("read_replicas", "spread.stale_share", &["spread.replication=Sync(acks: 3)"]),
    ("read_replicas", "alone.stale_share", &["alone.replicas=4", "alone.reads_from=Replicas"]),
    ("quorum", "fast.stale_share", &["fast.replication=Quorum(r: 2, w: 2)"]),
    ("quorum", "majority.stale_share", &["majority.replication=Quorum(r: 1, w: 1)"]),
    ("quorum", "majority_read.mean", &["majority.replication=Quorum(r: 1, w: 3)"]),
    ("quorum", "all_write.failed_share", &["write_all.replication=Quorum(r: 1, w: 2)"]),
    ("quorum", "majority_write.failed_share", &["majority.replication=Quorum(r: 1, w: 3)"]),
    ("python_concurrency", "with_threads.throughput", &["with_threads.runtime=Threads"]),
    ("python_concurrency", "with_asyncio.throughput", &["with_asyncio.processes=4"]),
    ("python_concurrency", "asyncio.goodput", &["with_asyncio.slots=1000"]),
    ("python_concurrency", "processes.goodput", &["with_processes.processes=1"]),
    ("python_concurrency", "processes.p99", &["with_processes.processes=1"]),
    ("python_concurrency", "asyncio.p50", &["with_asyncio.processes=4"]),
    ("five_balancers", "via_random.mean >= 1.4", &["random.balance=RoundRobin"]),
    ("five_balancers", "via_robin.mean", &["best_of_two.balance=RoundRobin"]),
    ("five_balancers", "via_best_of_two.mean", &["best_of_two.balance=LeastConnections"]),
    ("five_balancers", "via_least.mean", &["shared_servers.slots=9", "shared_servers.cores=9"]),
    ("five_balancers", "via_random.mean >= 80ms", &["random.balance=LeastConnections"]),
    ("millions_of_requests", "goodput", &["edge.capacity=Entries(1)"]),
    ("millions_of_requests", "api.arrivals", &["edge.capacity=Entries(1)"]),
    ("millions_of_requests", "shards.arrivals", &["cache.capacity=Entries(1)"]),
    ("millions_of_requests", "shards.p99", &["shards.strategy=Range"]),
];

/// A number of the notes: the words that claim it, a figure, and what the figure may be.
type Claim = (&'static str, &'static str, std::ops::RangeInclusive<f64>);

/// Scenario, parameters to set, and what the notes claim of the run, with room for another seed.
const CLAIMS: &[(&str, &[&str], &[Claim])] = &[
    (
        "cache_outage",
        &[],
        &[
            ("1 900 calls in the first second", "plain_db.arrivals @ 30s..31s", 1_800.0..=2_000.0),
            ("6 % of the answers are late", "plain.late_share @ 30s..35s", 0.055..=0.07),
            ("920 calls", "calm_db.arrivals @ 30s..31s", 870.0..=970.0),
            ("hardly an answer is late", "calm.late_share @ 30s..35s", 0.0..=0.001),
            ("7 calls per second", "calm_db.arrivals @ 25s..30s", 6.0..=8.0),
            ("it has 8", "calm_db.arrivals @ 50s..60s", 7.5..=10.0),
        ],
    ),
    (
        "five_balancers",
        &[],
        &[
            ("100, 57", "via_random.mean", 0.09..=0.11),
            ("57, 30", "via_robin.mean", 0.054..=0.06),
            ("30, 19", "via_best_of_two.mean", 0.029..=0.032),
            ("19 and 17 ms", "via_least.mean", 0.018..=0.02),
            ("and 17 ms", "via_shared.mean", 0.016..=0.018),
        ],
    ),
    (
        "horizontal_vs_vertical",
        &[],
        &[
            ("13 ms on average", "up.mean @ 10s..60s", 0.0125..=0.0145),
            ("instead of 31", "out.mean @ 10s..60s", 0.029..=0.036),
            ("93 % load", "small.utilization @ 62s..88s", 0.91..=0.96),
            ("takes some 190 ms", "out.mean @ 62s..88s", 0.15..=0.25),
        ],
    ),
    (
        "horizontal_vs_vertical",
        &["balancer.balance=LeastConnections"],
        &[("15 ms before", "out.mean @ 10s..60s", 0.014..=0.016), ("68 ms while", "out.mean @ 62s..88s", 0.055..=0.09)],
    ),
    (
        "hot_shard",
        &["same_fans.keys=Zipf(keys: 100000, exponent: 1.3)", "fans.keys=Zipf(keys: 100000, exponent: 1.3)"],
        &[
            ("a p99 of 30 ms", "more.p99", 0.027..=0.034),
            ("eight have one of 2 s", "skewed.p99", 1.9..=2.2),
            ("shards have one of 19 ms", "even.p99", 0.018..=0.02),
        ],
    ),
    (
        "millions_of_requests",
        &[],
        &[
            ("edge answers 79 %", "edge.hit_ratio", 0.785..=0.8),
            ("cache 59 %", "cache.hit_ratio", 0.58..=0.6),
            ("remaining 8 %", "shards.arrivals", 75e3..=90e3),
            ("on average instead of 15", "mean", 0.0145..=0.0155),
        ],
    ),
    (
        "millions_of_requests",
        &["edge.capacity=Entries(1)"],
        &[
            ("15 % of the requests are refused", "failed_share", 0.145..=0.16),
            ("takes 263 ms", "mean", 0.25..=0.28),
            ("shards see no more", "shards.arrivals", 70e3..=84e3),
        ],
    ),
    (
        "news_feed",
        &[],
        &[
            ("from 52 ms", "read.p99 @ 10s..40s", 0.051..=0.0535),
            ("to 320 ms", "read.p99 @ 40s..46s", 0.3..=0.34),
            ("and 8 %", "read.late_share @ 40s..46s", 0.07..=0.09),
        ],
    ),
    (
        "news_feed",
        &["fan_out_of_the_famous.calls=200"],
        &[
            ("stays at 53 ms", "read.p99 @ 40s..46s", 0.051..=0.054),
            ("16 ms on average", "waiting_posts.lag_mean", 0.015..=0.017),
        ],
    ),
    (
        "python_concurrency",
        &[],
        &[
            ("both end at 500", "with_asyncio.throughput", 495.0..=505.0),
            ("both end at 500", "with_threads.throughput", 495.0..=505.0),
            ("waits half a second", "threads.mean", 0.45..=0.55),
            ("14 ms are 14 ms", "processes.p50", 0.0139..=0.0142),
        ],
    ),
    (
        "python_concurrency",
        &["with_asyncio.slots=1000"],
        &[("each after 2.4 s", "asyncio.p50", 2.3..=2.5), ("in time for", "asyncio.goodput", 0.0..=0.0)],
    ),
    (
        "python_concurrency",
        &["a.rate=100/s", "b.rate=100/s", "c.rate=100/s"],
        &[("p99 of 14", "processes.p99", 0.0139..=0.0145), ("to 17 ms", "asyncio.p99", 0.016..=0.0175)],
    ),
    (
        "queue_vs_direct",
        &[],
        &[
            ("60 % of the burst", "direct.failed_share @ 20s..30s", 0.57..=0.63),
            ("fifteen seconds later", "orders.lag_p99", 13.5..=16.0),
        ],
    ),
    (
        "read_replicas",
        &["spread.replication=Sync(acks: 3)"],
        &[("just too few", "spread_write.mean", 0.3..=2.0), ("some 50 ms later", "spread.lag_mean", 0.048..=0.052)],
    ),
    (
        "retry_storm",
        &[],
        &[
            ("busy for 60 %", "store.core_utilization @ 10s..20s", 0.58..=0.64),
            ("27 calls for each request", "store.arrivals @ 50s..60s", 3_800.0..=4_200.0),
            ("0.85 s in its line", "store.mean_wait @ 50s..60s", 0.78..=0.92),
            ("1.3 times", "calm_store.arrivals @ 22s..29s", 185.0..=205.0),
        ],
    ),
    (
        "url_shortener",
        &[],
        &[
            ("78 % of the redirects", "cache.hit_ratio", 0.775..=0.795),
            ("900 calls", "db.arrivals", 870.0..=920.0),
            ("a third each", "api.core_utilization", 0.32..=0.35),
        ],
    ),
    (
        "url_shortener",
        &["cache.capacity=Entries(100)"],
        &[
            ("answers 36 %", "cache.hit_ratio", 0.355..=0.37),
            ("less than half", "redirect.goodput", 1_000.0..=1_990.0),
            ("about 2 000 reads", "db.arrivals", 1_700.0..=2_000.0),
        ],
    ),
    ("url_shortener", &["api.replicas=1"], &[("in time for nobody", "goodput", 0.0..=1.0)]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The scenario files of a folder, by name.
pub fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut files: Vec<(String, PathBuf)> = std::fs::read_dir(folder)
        .expect("a folder of scenarios")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ron"))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    files
}

/// A scenario file that must be right.
pub fn load(path: &Path) -> Design {
    let text = std::fs::read_to_string(path).expect("a readable file");
    let scenario = scenario::read_str(&text);
    assert!(scenario.diagnostics.is_empty(), "{}", scenario.drawn(&path.display().to_string(), &text, false));
    scenario.design.expect("no diagnostics, so there is a design")
}

fn verdicts(design: &Design) -> Vec<Verdict> {
    let mut run = Run::new(design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    judge(design, run.recorder())
}

fn assert_all_hold(folder: &Path) {
    for (name, path) in files(folder) {
        let design = load(&path);
        assert!(!design.question.is_empty() && !design.notes.is_empty() && design.expect.len() >= 2, "{name}");
        for verdict in verdicts(&design) {
            assert!(verdict.holds, "{name}: {}: {:?}", verdict.expectation, verdict.value);
        }
    }
}

#[test]
fn every_scenario_holds() {
    assert_all_hold(&root());
}

#[test]
fn every_scenario_of_a_kind_holds() {
    assert_all_hold(&root().join("kinds"));
}

#[test]
fn every_expectation_of_a_scenario_has_a_point() {
    for (name, path) in files(&root()) {
        let design = load(&path);
        let judged = verdicts(&design);
        for verdict in &judged {
            let told =
                POINTS.iter().filter(|(scenario, that, _)| *scenario == name && verdict.expectation.starts_with(that));
            assert_eq!(told.count(), 1, "{name}: {} must be in POINTS once", verdict.expectation);
        }
        assert_eq!(POINTS.iter().filter(|(scenario, ..)| *scenario == name).count(), judged.len(), "{name}");
    }
}

#[test]
fn every_expectation_fails_without_its_point() {
    let mut wrong = Vec::new();
    for (name, that, changes) in POINTS {
        let mut design = load(&root().join(format!("{name}.ron")));
        for change in *changes {
            if *change == "-timeline" {
                design.timeline.clear();
            } else if let Some((link, elsewhere)) = change.split_once(" => ") {
                assert!(design.nodes.contains_key(elsewhere), "{name}: {change}");
                let link = design.links.iter_mut().find(|l| l.name() == link);
                elsewhere.clone_into(&mut link.unwrap_or_else(|| panic!("{name}: {change}")).to);
            } else {
                let (path, value) = change.split_once('=').expect("path=value");
                set_parameter(&mut design, path, value).unwrap_or_else(|problem| panic!("{name}: {change}: {problem}"));
            }
        }
        let verdict = verdicts(&design).into_iter().find(|v| v.expectation.starts_with(that)).expect("in the file");
        println!("{name}: {} is {:?} with {changes:?}", verdict.expectation, verdict.value);
        if verdict.holds {
            wrong.push(format!("{name}: {} holds with {changes:?}: {:?}", verdict.expectation, verdict.value));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_numbers_of_the_notes_are_true() {
    let mut wrong = Vec::new();
    for (name, changes, claims) in CLAIMS {
        let mut design = load(&root().join(format!("{name}.ron")));
        let notes = design.notes.clone();
        for change in *changes {
            let (path, value) = change.split_once('=').expect("path=value");
            assert!(notes.contains(path), "{name}: the notes do not say to set {path}");
            set_parameter(&mut design, path, value).unwrap_or_else(|problem| panic!("{name}: {change}: {problem}"));
        }
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
        run.advance(run.length());
        for (words, path, range) in *claims {
            assert!(notes.contains(words), "{name}: the notes do not say `{words}`");
            let value = figure(path, run.recorder()).unwrap_or_else(|| panic!("{name}: no {path}"));
            if !range.contains(&value) {
                wrong.push(format!("{name} with {changes:?}: `{words}`, and {path} is {value}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
