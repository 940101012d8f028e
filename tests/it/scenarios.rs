//! Every scenario that comes with the program: it runs, its expectations hold, and each of them fails when the point that
//! it makes is taken away.

use std::path::{Path, PathBuf};
use tailboard::design::{Design, set_parameter};
use tailboard::run::{Run, Verdict, judge};
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
    let report = run.report();
    judge(design, run.recorder(), &report)
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
