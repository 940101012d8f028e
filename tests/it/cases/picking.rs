//! Cases and faults: where calls and further attempts go, by weights and hashes, and why they fail.

use super::{design, report, said};
use tailboard::design::Design;
use tailboard::metrics::Report;
use tailboard::run::Run;
use tailboard::scenario;

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/next_upstream.ron",
    "cases/weighted_least_connections.ron",
    "cases/eject_nobody.ron",
    "cases/panic_mode.ron",
    "cases/bulkhead_keeps_breaker_closed.ron",
    "faults/worker-65-links-after-failure.ron",
];

const BALANCES: &[&str] = &[
    "RoundRobin",
    "Weighted",
    "Random",
    "LeastConnections",
    "PowerOfChoices()",
    "PeakEwma(decay: \"1s\")",
    "IpHash",
    "ConsistentHash(virtual_nodes: 100, bound: 1.25)",
];

fn read(text: &str) -> Design {
    let read = scenario::read_str(text);
    let drawn = read.drawn("a scenario", text, false);
    read.design.unwrap_or_else(|| panic!("{drawn}"))
}

/// A run of 20 seconds of these nodes and links, with an intervention or none.
fn run(nodes: &str, links: &str, timeline: &str) -> Report {
    let text = format!(
        "(version: 1, seed: 3, run: (length: \"20s\", warm_up: \"1s\"),
        nodes: {{ \"users\": (kind: client(rate: \"200/s\", tenants: 1000, keys: Uniform(keys: 1000))), {nodes} }},
        links: [{links}], timeline: [{timeline}])"
    );
    Run::new(&read(&text)).unwrap_or_else(|findings| panic!("{findings:?}")).finish()
}

/// Share of the requests that failed.
fn failed_share(report: &Report) -> f64 {
    let failed: u64 = report.total.failed.values().sum();
    failed as f64 / (report.total.good + report.total.late + failed) as f64
}

const FAILS: &str = r#"(at: "0s", do: Fail("api#0", 1.0))"#;
const RETRY: &str = r#"retry: (attempts: 4, backoff: (base: "1ms"))"#;

#[test]
fn next_upstream() {
    let report = report("cases/next_upstream.ron");
    assert!(failed_share(&report) <= 0.001, "{}", failed_share(&report));
    // The failing one takes its turn of first attempts, between a quarter and a third as retries take turns too; none is
    // tried twice.
    let link = &report.links["proxy->api"];
    let share = link.retries as f64 / (link.attempts - link.retries) as f64;
    assert!((0.22..0.35).contains(&share), "{share}");
}

/// Three of four replicas fail, and there are four attempts: one of them finds the fourth.
#[test]
fn attempts_find_the_replica_that_is_left_under_every_policy() {
    let timeline =
        r#"(at: "0s", do: Fail("api#0", 1.0)), (at: "0s", do: Fail("api#1", 1.0)), (at: "0s", do: Fail("api#2", 1.0))"#;
    for balance in BALANCES {
        let nodes = format!(
            r#""lb": (kind: load_balancer(balance: {balance})), "api": (kind: service(replicas: 4, slots: 50, work: "1ms"))"#
        );
        let links = format!(r#"(from: "users", to: "lb"), (from: "lb", to: "api", {RETRY})"#);
        let report = run(&nodes, &links, timeline);
        assert!(report.total.good > 3_500 && failed_share(&report) == 0.0, "{balance}: {}", failed_share(&report));
    }
}

/// The other common drawing: a balancer with a link to each server.
#[test]
fn attempts_go_over_the_other_links_of_a_balancer_where_these_retry_alike() {
    let nodes = r#""lb": (kind: load_balancer()),
        "a": (kind: service(error_share: "100%")), "b": (kind: service()), "c": (kind: service()), "d": (kind: service())"#;
    let links = |retry: [&str; 4]| {
        let link = |(to, retry): (&str, &str)| format!(r#"(from: "lb", to: "{to}", {retry}),"#);
        let links: String = ["a", "b", "c", "d"].into_iter().zip(retry).map(link).collect();
        format!(r#"(from: "users", to: "lb"), {links}"#)
    };
    assert_eq!(failed_share(&run(nodes, &links([RETRY; 4]), "")), 0.0);
    // One that is set differently keeps its attempts to itself.
    let other = r#"retry: (attempts: 2, backoff: (base: "1ms"))"#;
    let share = failed_share(&run(nodes, &links([other, RETRY, RETRY, RETRY]), ""));
    assert!((0.2..0.3).contains(&share), "{share}");
}

#[test]
fn attempts_find_another_replica_of_what_picks_for_itself() {
    let kinds = [
        r#""api": (kind: service(replicas: 2, slots: 50, work: "1ms"))"#,
        r#""api": (kind: worker(replicas: 2, concurrency: 50, work: "1ms"))"#,
        r#""api": (kind: database(replicas: 2, reads_from: Any, read: "1ms"))"#,
        r#""api": (kind: database(replicas: 3, reads_from: Replicas, read: "1ms"))"#,
        r#""api": (kind: database(replicas: 3, replication: Quorum(r: 1, w: 1), read: "1ms"))"#,
    ];
    let retry = r#"retry: (attempts: 2, backoff: (base: "1ms"))"#;
    for api in kinds {
        let fails = if api.contains("Replicas") { r#"(at: "0s", do: Fail("api#1", 1.0))"# } else { FAILS };
        // From the source itself, through a service, a rate limiter, and a balancer that does not know which replica reads.
        for (between, first) in [
            ("", r#"(from: "users", to: "api", RETRY)"#),
            (
                r#", "m": (kind: service(slots: 500, work: "0s"))"#,
                r#"(from: "users", to: "m"), (from: "m", to: "api", RETRY)"#,
            ),
            (
                r#", "m": (kind: rate_limiter(rate: "1k/s"))"#,
                r#"(from: "users", to: "m"), (from: "m", to: "api", RETRY)"#,
            ),
            (r#", "m": (kind: load_balancer())"#, r#"(from: "users", to: "m"), (from: "m", to: "api", RETRY)"#),
        ] {
            let links = first.replace("RETRY", retry);
            let report = run(&format!("{api}{between}"), &links, fails);
            assert!(report.total.good > 3_500, "{api} {links}");
            assert_eq!(failed_share(&report), 0.0, "{api} {links}");
        }
    }
}

/// A worker's message fails with one consumer and is tried again with the other: nothing is delivered anew.
#[test]
fn attempts_of_a_queue_go_to_another_consumer() {
    let nodes = r#""q": (kind: queue(prefetch: 50)), "api": (kind: worker(replicas: 2, concurrency: 50, work: "1ms"))"#;
    let links = format!(r#"(from: "users", to: "q"), (from: "q", to: "api", {RETRY})"#);
    let report = run(nodes, &links, FAILS);
    assert!(report.links["q->api"].retries > 1_000);
    assert_eq!(report.nodes["q"].signals.get("redelivered").copied().unwrap_or(0), 0);
}

/// One replica of two takes a second, and copies go out after 20 ms: no answer takes longer than about that.
#[test]
fn copies_go_to_another_replica() {
    let slow = r#"(at: "0s", do: Slow("api#0", 1000))"#;
    let api = r#""api": (kind: service(replicas: 2, slots: 1000, cores: 1000, work: "1ms"))"#;
    let hedge = r#"hedge: (after: "20ms")"#;
    let direct = format!(r#"(from: "users", to: "api", {hedge})"#);
    assert_fast(&run(api, &direct, slow), "direct");
    for balance in BALANCES {
        let nodes = format!(r#"{api}, "lb": (kind: load_balancer(balance: {balance}))"#);
        let links = format!(r#"(from: "users", to: "lb"), (from: "lb", to: "api", {hedge})"#);
        assert_fast(&run(&nodes, &links, slow), balance);
    }
}

fn assert_fast(report: &Report, what: &str) {
    let max = report.total.latency.max.unwrap_or(1.0);
    assert!(report.total.good > 3_500 && max < 0.03, "{what}: {max} s");
}

/// All were tried before the first that failed is well again.
#[test]
fn when_all_were_tried_it_starts_over() {
    // Both fail for 120 ms, while attempts come every 20 ms.
    let nodes = r#""lb": (kind: load_balancer()), "api": (kind: service(replicas: 2, slots: 50, work: "1ms"))"#;
    let retry = r#"retry: (attempts: 8, backoff: (base: "20ms", growth: Fixed, jitter: None))"#;
    let timeline = r#"(at: "5s", do: Fail("api", 1.0), lasting: "120ms")"#;
    for links in [
        format!(r#"(from: "users", to: "lb"), (from: "lb", to: "api", {retry})"#),
        format!(r#"(from: "users", to: "api", {retry}), (from: "lb", to: "api")"#),
    ] {
        let report = run(nodes, &links, timeline);
        assert_eq!(failed_share(&report), 0.0, "{links}");
        assert!(report.links.values().any(|link| link.retries > 20), "{links}");
    }
}

/// The attempt that fails counts against the replica that it went to, whatever comes of the others: it is ejected, and then no
/// attempt fails any more.
#[test]
fn each_attempt_counts_for_the_replica_that_it_went_to() {
    for balance in BALANCES {
        let ejection = r#"ejection: (failures: 5, lasting: "60s")"#;
        let nodes = format!(
            r#""lb": (kind: load_balancer(balance: {balance}, {ejection})),
            "api": (kind: service(replicas: 4, slots: 50, work: "1ms"))"#
        );
        let links = format!(r#"(from: "users", to: "lb"), (from: "lb", to: "api", {RETRY})"#);
        let report = run(&nodes, &links, FAILS);
        let link = &report.links["lb->api"];
        assert_eq!((failed_share(&report), link.failed.len()), (0.0, 0), "{balance}: {:?}", link.failed);
        assert_eq!(report.nodes["lb"].levels["usable"], 3.0, "{balance}");
        assert!(report.nodes["lb"].busy < 1.0, "{balance}: {} in flight", report.nodes["lb"].busy);
    }
}

/// Where a fallback answers for it, the replica has failed all the same.
#[test]
fn a_fallback_hides_no_failure_from_the_balancer() {
    let nodes = r#""lb": (kind: load_balancer(ejection: (failures: 5, lasting: "60s"))),
        "api": (kind: service(replicas: 4, slots: 50, work: "1ms"))"#;
    let report = run(nodes, r#"(from: "users", to: "lb"), (from: "lb", to: "api", fallback: (after: "0s"))"#, FAILS);
    assert_eq!((report.nodes["lb"].levels["usable"], report.total.degraded), (3.0, 0));
}

/// What the link's own policies refuse never got to the replica.
#[test]
fn what_never_left_counts_against_no_replica() {
    let nodes = r#""lb": (kind: load_balancer(ejection: (failures: 2, lasting: "60s", most: "100%"))),
        "api": (kind: service(replicas: 2, slots: 50, work: "10ms"))"#;
    for policy in [r#"bulkhead: 1"#, r#"pool: (size: 1, acquire_timeout: "1ms")"#, &format!("bulkhead: 1, {RETRY}")] {
        let report = run(nodes, &format!(r#"(from: "users", to: "lb"), (from: "lb", to: "api", {policy})"#), "");
        assert!(failed_share(&report) > 0.1, "{policy}");
        assert_eq!(report.nodes["lb"].signals.get("ejected").copied().unwrap_or(0), 0, "{policy}");
    }
}

/// Calls in flight, by each balancer's account, are those there are, whatever retries and copies do: least connections stays
/// even.
#[test]
fn loads_are_right_with_retries_and_copies() {
    for balance in ["LeastConnections", "PowerOfChoices()"] {
        let nodes = format!(
            r#""lb": (kind: load_balancer(balance: {balance})),
            "a": (kind: service(slots: 500, cores: 500, work: Exponential("30ms"))),
            "b": (kind: service(slots: 500, cores: 500, error_share: "20%", work: Exponential("30ms")))"#
        );
        let policies = r#"hedge: (after: "40ms"), retry: (attempts: 3, backoff: (base: "5ms")), timeout: "200ms""#;
        let links = format!(
            r#"(from: "users", to: "lb"), (from: "lb", to: "a", {policies}), (from: "lb", to: "b", {policies})"#
        );
        let report = run(&nodes, &links, "");
        let (a, b) = (report.nodes["a"].busy, report.nodes["b"].busy);
        assert!((a / b - 1.0).abs() < 0.1, "{balance}: {a} and {b} in flight");
    }
}

#[test]
fn weighted_least_connections() {
    let report = report("cases/weighted_least_connections.ron");
    for (node, theory) in [("s1", 18.2), ("s2", 39.4), ("s3", 60.6), ("s4", 81.9)] {
        let rate = report.nodes[node].arrival_rate;
        assert!((rate / theory - 1.0).abs() < 0.15, "{node}: {rate}");
    }
}

#[test]
fn weights_count_under_every_policy() {
    for balance in BALANCES {
        let server = r#"(kind: service(slots: 500, cores: 500, work: "0s", wait: "200ms"))"#;
        let nodes = format!(
            r#""lb": (kind: load_balancer(balance: {})), "a": {server}, "b": {server}, "c": {server}, "d": {server}"#,
            // The bound would even out what it is to show.
            balance.replace("bound: 1.25", "bound: 1.5")
        );
        let link = |(to, weight)| format!(r#"(from: "lb", to: "{to}", weight: {weight}),"#);
        let links: String = [("a", 1), ("b", 2), ("c", 3), ("d", 0)].into_iter().map(link).collect();
        let report = run(&nodes, &format!(r#"(from: "users", to: "lb"), {links}"#), "");
        let rate = |node: &str| report.nodes[node].arrival_rate / 200.0 * 6.0;
        assert_eq!(report.nodes["d"].arrived, 0, "{balance}");
        for (node, weight) in [("a", 1.0), ("b", 2.0), ("c", 3.0)] {
            // Rings are uneven by 10 % with 100 points.
            let share = rate(node);
            assert!((share / weight - 1.0).abs() < 0.25, "{balance}: {node} {share} for {weight}");
        }
    }
}

#[test]
fn a_weight_that_nothing_reads_is_told() {
    let text = |from: &str, wait: &str| {
        format!(
            r#"(version: 1, nodes: {{ "u": (kind: client()), "m": (kind: {from}), "a": (kind: service()), "b": (kind: service()) }},
            links: [(from: "u", to: "m"), (from: "m", to: "a", weight: 3, wait: {wait}), (from: "m", to: "b", wait: {wait})])"#
        )
    };
    let said = |text: String| scenario::read_str(&text).drawn("a scenario", &text, false);
    for (from, wait, unused) in [
        ("service()", "All", true),
        ("service()", "Choose", false),
        ("rate_limiter()", "All", true),
        ("load_balancer()", "All", false),
    ] {
        assert_eq!(said(text(from, wait)).contains("weight changes nothing"), unused, "{from} {wait}");
    }
    let none = text("service()", "Choose")
        .replace("weight: 3,", "weight: 0,")
        .replace("\"b\", wait", "\"b\", weight: 0, wait");
    assert!(said(none).contains("none of them is ever called"));
}

/// The keys that reach a target, by what it has served of a thousand tenants and keys.
fn shares(seed: u64, balance: &str, links: &[&str], extra: &str) -> Vec<u64> {
    let server = r#"(kind: service(slots: 500, cores: 500, work: "1us"))"#;
    let between: String = links.iter().map(|to| format!(r#"(from: "lb", to: "{to}"),"#)).collect();
    let text = format!(
        r#"(version: 1, seed: {seed}, run: (length: "20s", warm_up: "0s"),
        nodes: {{ "users": (kind: client(rate: "200/s", tenants: 50, keys: Uniform(keys: 50))),
            "lb": (kind: load_balancer(balance: {balance})), "a": {server}, "b": {server}, "c": {server}, "aa": {server}, "x": {server} }},
        links: [{extra} (from: "users", to: "lb"), {between}])"#
    );
    let report = Run::new(&read(&text)).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
    ["a", "b", "c"].map(|node| report.nodes[node].arrived).to_vec()
}

/// Hashing goes by the targets' names and the seed.
#[test]
fn hashing_follows_names_and_the_seed() {
    for balance in ["IpHash", "ConsistentHash(virtual_nodes: 100, bound: 1000)"] {
        let plain = shares(1, balance, &["a", "b", "c"], "");
        assert_eq!(plain, shares(1, balance, &["c", "a", "b"], ""), "{balance}: the order of lines");
        // Links are numbered by name: this one comes before the others.
        let elsewhere = r#"(from: "a", to: "x"),"#;
        assert_eq!(plain, shares(1, balance, &["a", "b", "c"], elsewhere), "{balance}: a link elsewhere");
        assert_ne!(plain, shares(2, balance, &["a", "b", "c"], ""), "{balance}: another seed");
        // One more in the middle takes from each and gives to none.
        let more = shares(1, balance, &["a", "aa", "b", "c"], "");
        assert!(plain.iter().zip(&more).all(|(before, after)| after <= before), "{balance}: {plain:?} {more:?}");
        assert!(more.iter().sum::<u64>() < plain.iter().sum());
    }
}

#[test]
fn eject_nobody() {
    let said = said("cases/eject_nobody.ron");
    assert!(said.contains("nothing is ever ejected") && said.contains("34 %"), "{said}");
    // As large as it says, and there is nothing to say.
    let text = super::text("cases/eject_nobody.ron").replace("most: \"10%\"", "most: \"34%\"");
    let said = scenario::read_str(&text).drawn("a scenario", &text, false);
    assert!(!said.contains("ever ejected"), "{said}");
    assert!(Run::new(&read(&text)).unwrap_or_else(|f| panic!("{f:?}")).finish().nodes["lb"].signals["ejected"] >= 1);
}

#[test]
fn panic_mode() {
    let report = report("cases/panic_mode.ron");
    let bad = &report.nodes["bad"];
    assert!((99.0..=101.0).contains(&bad.arrival_rate), "{}", bad.arrival_rate);
    assert!(report.nodes["lb"].signals["ejected"] >= 1);
}

/// Erlang's loss formula with 2 places and 10 erlangs.
#[test]
fn bulkhead_keeps_breaker_closed() {
    let report = report("cases/bulkhead_keeps_breaker_closed.ron");
    assert!((35.0..=37.2).contains(&report.total.goodput), "{}", report.total.goodput);
    assert_eq!(report.links["api->dep"].failed.get("breaker_open"), None);
}

#[test]
fn a_worker_with_more_than_64_links_calls_what_the_conditions_say() {
    let design = design("faults/worker-65-links-after-failure.ron");
    let links = design.links.clone();
    let report = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
    let conditional = links.iter().find(|link| link.when.after_failure.is_some()).expect("one");
    // What it waits for does not fail: only `s0002` does.
    assert_eq!(conditional.when.after_failure.as_deref(), Some("s0066"));
    assert_eq!((report.links["w->s0066"].failed.len(), report.links["w->x"].attempts), (0, 0));
    // The other way round: it is called once for each failure.
    let mut other = design;
    other
        .links
        .iter_mut()
        .filter(|link| link.to == "x")
        .for_each(|link| link.when.after_failure = Some("s0002".into()));
    let report = Run::new(&other).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
    assert!(report.links["w->x"].attempts > 150);
    assert_eq!(report.links["w->x"].attempts, report.links["w->s0002"].failed["error"]);
}

/// A choice among more links than a word has bits.
#[test]
fn one_of_a_hundred_links_is_chosen_by_weight() {
    let nodes: String = (0..100).map(|i| format!(r#""s{i:03}": (kind: service(work: "1us")),"#)).collect();
    let link =
        |i: u32| format!(r#"(from: "m", to: "s{i:03}", wait: Choose, weight: {}),"#, if i == 70 { 100 } else { 1 });
    let links: String = (0..100).map(link).collect();
    let report = run(
        &format!(r#"{nodes} "m": (kind: service(slots: 100, work: "0s"))"#),
        &format!(r#"(from: "users", to: "m"), {links}"#),
        "",
    );
    let all: u64 = (0..100).map(|i| report.nodes[&format!("s{i:03}")].arrived).sum();
    let share = report.nodes["s070"].arrived as f64 / all as f64;
    assert!(all > 3_500 && (share - 100.0 / 199.0).abs() < 0.03, "{share} of {all}");
}

/// More attempts than a byte counts.
#[test]
fn attempts_are_counted_beyond_255() {
    let retry = r#"retry: (attempts: 400, backoff: (base: "10ms", growth: Fixed, jitter: None))"#;
    let text = format!(
        r#"(version: 1, run: (length: "3.9s", warm_up: "0s"),
        nodes: {{ "u": (kind: client(arrivals: Closed(users: 1, think: "1us"))), "a": (kind: service(work: "0s", error_share: 1.0)) }},
        links: [(from: "u", to: "a", {retry})])"#
    );
    let report = Run::new(&read(&text)).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
    // All of one request; the last retry may be counted before it is sent.
    let link = &report.links["u->a"];
    assert!(link.attempts > 380 && link.attempts - link.retries <= 1, "{link:?}");
    let said = |n: u32| {
        let text = text.replace("attempts: 400", &format!("attempts: {n}"));
        scenario::read_str(&text).drawn("a scenario", &text, false)
    };
    assert!(said(1_001).contains("attempts is at most 1000"), "{}", said(1_001));
}

/// Copies that lose are cancelled; a lost message is lost.
#[test]
fn reasons_are_what_happened() {
    let api = r#""api": (kind: service(slots: 500, cores: 500, work: "10ms"))"#;
    let report = run(api, r#"(from: "users", to: "api", hedge: (after: "5ms"), cancel: true)"#, "");
    let failed = &report.links["users->api"].failed;
    assert!(failed["cancelled"] > 3_000 && failed.len() == 1, "{failed:?}");
    assert!(report.nodes["api"].failed["cancelled"] > 3_000);
    let nodes = format!(r#"{api}, "mid": (kind: service(slots: 500, work: "0s"))"#);
    let links = r#"(from: "users", to: "mid"), (from: "mid", to: "api", mode: Async, loss: "50%")"#;
    let report = run(&nodes, links, "");
    let failed = &report.links["mid->api"].failed;
    assert!(failed["lost"] > 1_000 && failed.len() == 1, "{failed:?}");
}

#[test]
fn an_expectation_on_a_reason_that_nothing_has_is_refused() {
    for (reason, refused) in
        [("throttled", true), ("unauthorized", true), ("expired", true), ("cancelled", false), ("lost", false)]
    {
        for of in ["", "a.", "u->a."] {
            let text = format!(
                r#"(version: 1, nodes: {{ "u": (kind: client()), "a": (kind: service()) }}, links: [(from: "u", to: "a")],
                expect: [(that: "{of}failed_{reason}", at_most: "1%")])"#
            );
            let said = scenario::read_str(&text).drawn("a scenario", &text, false);
            assert_eq!(said.contains(&format!("has no figure `failed_{reason}`")), refused, "{said}");
        }
    }
}

#[test]
fn another_attempt_counts_on_the_link_that_it_goes_over() {
    let nodes = r#""lb": (kind: load_balancer(balance: Random)), "a": (kind: service(work: "50ms", slots: 50, cores: 50)),
        "b": (kind: service(work: "1ms", slots: 50, cores: 50))"#;
    let links = |policy: &str| {
        format!(r#"(from: "users", to: "lb"), (from: "lb", to: "a", {policy}), (from: "lb", to: "b", {policy})"#)
    };
    let retried = run(nodes, &links(RETRY), r#"(at: "0s", do: Fail("a", 1.0))"#);
    let hedged = run(nodes, &links(r#"hedge: (after: "10ms")"#), "");
    let more = |report: &Report, link: &str| (report.links[link].retries, report.links[link].hedges);
    let ((_, first), (again, _)) = (more(&hedged, "lb->a"), more(&retried, "lb->a"));
    assert_eq!((first, again), (0, 0), "none goes over the link that failed, or is slow, a second time");
    // Half of all 200/s for 19 s.
    let (retries, hedges) = (more(&retried, "lb->b").0, more(&hedged, "lb->b").1);
    assert!((1_700..2_100).contains(&retries) && (1_700..2_100).contains(&hedges), "{retries} and {hedges}");
}

/// What is under way on a shard that is taken away fails with it, and is tried again where its key is now.
#[test]
fn what_a_shard_takes_with_it_is_tried_again() {
    let nodes = r#""store": (kind: sharded_store(shards: 8, read: "50ms", slots: 100))"#;
    let report = run(
        nodes,
        &format!(r#"(from: "users", to: "store", {RETRY})"#),
        r#"(at: "10s", do: Set("store.shards", "1"))"#,
    );
    assert!(report.links["users->store"].retries > 3 && failed_share(&report) == 0.0, "{:?}", report.total.failed);
}

/// A call that takes 100 ms is cancelled after 50: it holds its place for half as long.
#[test]
fn a_cancelled_call_frees_its_place() {
    for kind in [
        r#"service(work: "100ms", slots: 20, cores: 20)"#,
        r#"service(wait: "100ms", work: "0s", slots: 20)"#,
        r#"database(connections: 20, read: "100ms")"#,
        r#"database(connections: 20, replication: Quorum(r: 1, w: 1), read: "0s", read_there: "50ms", read_back: "50ms")"#,
        r#"sharded_store(shards: 1, slots: 20, read: "100ms")"#,
    ] {
        let links = r#"(from: "users", to: "callee", timeout: "50ms", cancel: true)"#;
        let report = run(&format!(r#""callee": (kind: {kind})"#), links, "");
        let used = report.nodes["callee"].utilization.expect("of slots").value;
        // 200 a second for 50 ms each, of 20.
        assert!((0.49..0.51).contains(&used), "{kind}: {used}");
    }
}
