//! Cases and faults: silence. What can't happen is said before the run, and messages lead to what was meant.

use crate::catalogue::{kind_scenario, link_design, node_of, parameters};
use tailboard::base::Severity;
use tailboard::design::checks::check;
use tailboard::design::{Design, LinkSpec, set_parameter};
use tailboard::editor::{Edit, Fix, apply, remedy};
use tailboard::kinds::{KINDS, Param, Spec, Value};
use tailboard::run::{Run, figure, judge};
use tailboard::scenario::{self, source};

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/cache_never_filled.ron",
    "cases/too_many_connections.ron",
    "cases/figure_names.ron",
    "cases/distributions_as_elsewhere.ron",
    "cases/one_way_delay.ron",
    "cases/foreign/scene.excalidraw",
];

/// Figures of a design after an edit, of which the checks say nothing.
fn figures_after<const N: usize>(design: &Design, edit: &Edit, paths: [&str; N]) -> [f64; N] {
    let fixed = apply(design, edit).expect("an edit").design;
    assert_eq!(check(&fixed), []);
    let mut run = Run::new(&fixed).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    paths.map(|path| figure(path, run.recorder()).unwrap_or(0.0))
}

#[test]
fn a_cache_that_nothing_fills_becomes_cache_aside() {
    let said = super::said("cases/cache_never_filled.ron");
    assert!(said.contains("warning[never-filled]") && said.contains("`cache`"), "{said}");
    let design = super::design("cases/cache_never_filled.ron");
    let findings = check(&design);
    let finding = findings.iter().find(|finding| finding.code == "never-filled").expect("told above");
    let Fix { edit, .. } = remedy(&design, &findings, finding).expect("a fix");
    let [hits, arrivals] = figures_after(&design, &edit, ["cache.hit_ratio", "db.arrivals"]);
    // All 1,000 keys fit, so that a key is missed once, by its first read. Of the 1,000 requests of the warm-up and the 5,000
    // after it: a sum over the keys of Zipf's law of (1 - p)^1000 - (1 - p)^6000, which is 466 misses.
    assert!((hits - 0.907).abs() < 0.02, "{hits}");
    assert!((arrivals - 18.6).abs() < 3.0, "{arrivals}");
}

#[test]
fn pools_that_exceed_the_database_are_told() {
    let said = super::said("cases/too_many_connections.ron");
    assert!(said.contains("warning[pools-too-large]") && said.contains("150") && said.contains("pool"), "{said}");
    let design = super::design("cases/too_many_connections.ron");
    let findings = check(&design);
    let fix = findings.iter().find_map(|finding| remedy(&design, &findings, finding)).expect("a fix");
    let fixed = apply(&design, &fix.edit).expect("an edit").design;
    assert_eq!(fixed.link("pods->pg").and_then(|link| link.pool).map(|pool| pool.size), Some(16));
    assert_eq!(check(&fixed), []);
}

#[test]
fn figures_of_other_tools_lead_to_those_of_this_one() {
    let text = super::text("cases/figure_names.ron");
    let read = scenario::read_str(&text);
    let errors: Vec<_> = read.diagnostics.iter().filter(|said| said.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 5, "{}", read.drawn("figures", &text, false));
    let helps: Vec<&str> = errors.iter().map(|said| said.help.as_deref().unwrap_or("")).collect();
    for (meant, help) in ["`failed_share`", "`p99`", "`core_utilization`", "`slots`", "`good_share`"].iter().zip(&helps)
    {
        assert!(help.contains(meant) || *meant == "`slots`" && help.contains("`replicas`"), "{meant}: {help}");
    }
}

#[test]
fn distributions_are_shown_as_they_are_written_here() {
    let said = super::said("cases/distributions_as_elsewhere.ron");
    assert!(said.contains(r#"Normal(mean: "5ms", sd: "1ms")"#), "{said}");
    assert!(said.contains(r#"Exponential("5ms")"#), "{said}");
}

#[test]
fn a_delay_can_be_one_way() {
    let design = super::design("cases/one_way_delay.ron");
    let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    let judged = judge(&design, run.recorder());
    assert_eq!(judged.len(), 6);
    for verdict in &judged {
        let (Some(value), Some(least), Some(most)) = (verdict.value, verdict.at_least, verdict.at_most) else {
            panic!("{}: {:?}", verdict.expectation, verdict.value)
        };
        assert!((least..=most).contains(&value), "{}: {value}", verdict.expectation);
    }
}

#[test]
fn a_file_of_another_program_is_named() {
    let error = source::load(&super::path("cases/foreign/scene.excalidraw")).expect_err("not a scenario").to_string();
    assert!(error.contains("is an Excalidraw drawing") && error.contains("tailboard new"), "{error}");
}

/// A share is a share: every place that takes one takes a percentage.
#[test]
fn shares_take_percentages_everywhere() {
    let mut shares = 0;
    let mut try_it = |of: &str, param: &Param, value: &mut dyn Value| {
        if param.range == Some((0.0, 1.0)) {
            shares += 1;
            assert_eq!(value.set("\"5%\""), Ok(()), "{of}.{}", param.name);
        }
    };
    for meta in KINDS {
        let mut spec = Spec::new(meta.key).expect("in the catalogue");
        spec.visit(&mut |param: &Param, value: &mut dyn Value| try_it(meta.key, param, value));
    }
    LinkSpec::default().visit(&mut |param: &Param, value: &mut dyn Value| try_it("link", param, value));
    assert!(shares >= 8, "{shares}");
    let text = r#"(
        nodes: {
            "u": (kind: client(shape: Diurnal(period: "10s", amplitude: "5%"), keys: HotSet(keys: 9, hot: "20%", traffic: "80%"))),
            "l": (kind: load_balancer(ejection: (most: "50%"))),
            "a": (kind: service(work: Hyperexponential(fast: "1ms", slow: "9ms", slow_share: "5%"))),
            "s": (kind: autoscaler(target: Utilization("60%"))), "t": (kind: autoscaler(target: Cores("60%"))),
        },
        links: [(from: "u", to: "l", when: (probability: "5%"), retry: (budget: (share: "5%")),
            breaker: (failure_share: "5%", slow_after: "1s", slow_share: "5%"))],
        timeline: [(at: "1s", do: Fail("a", "5%")), (at: "1s", do: Lose("u->l", "5%"))],
        expect: [(that: "failed_share", at_most: "5%")],
    )"#;
    let read = scenario::read_str(text);
    assert!(read.drawing.is_some(), "{}", read.drawn("shares", text, false));
}

#[test]
fn messages_name_everything_and_have_units() {
    let said = |text: &str| scenario::read_str(text).drawn("f", text, false).replace('\n', " ");
    let unknown = said(r#"(nodes: {}, links: [(from: "a", to: "b", zzzzzz: 1)])"#);
    assert!(!unknown.contains("more"), "{unknown}");
    LinkSpec::default().visit(&mut |param: &Param, _: &mut dyn Value| {
        assert!(unknown.contains(&format!("`{}`", param.name)), "{}: {unknown}", param.name);
    });
    let range = said(r#"(nodes: { "k": (kind: cache(ttl: "1ns")) })"#);
    assert!(range.contains("expected 1us to "), "{range}");
    // Fields where positions tell, and positions where fields do.
    let positions = said(r#"(nodes: {}, timeline: [(at: "1s", do: Slow(target: "a", factor: 2))])"#);
    assert!(positions.contains(r#"Slow("a", 2)"#), "{positions}");
    let fields = said(r#"(nodes: { "u": (kind: client(arrivals: Closed(50, "1s"))) })"#);
    assert!(fields.contains(r#"Closed(users: 50, think: "1s")"#), "{fields}");
}

#[test]
fn a_delay_is_told_both_ways_or_one() {
    let text = |extra: &str| {
        format!(
            r#"(run: (length: "40s", warm_up: "0s"), nodes: {{ "u": (kind: client(rate: "100/s")), "a": (kind: service(work: "1ms")) }},
            links: [(from: "u", to: "a", latency: "1ms")], timeline: [(at: "10s", lasting: "20s", do: Delay("u->a", {extra}))])"#
        )
    };
    for (extra, during) in [(r#""15ms""#, 0.033), (r#"There("15ms")"#, 0.018), (r#"Back("15ms")"#, 0.018)] {
        let text = text(extra);
        let design = scenario::read_str(&text).design.unwrap_or_else(|| panic!("{extra}"));
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
        run.advance(run.length());
        for (window, wanted) in [("1s..10s", 0.003), ("11s..30s", during), ("31s..40s", 0.003)] {
            let mean = figure(&format!("mean @ {window}"), run.recorder()).unwrap_or(0.0);
            assert!((mean - wanted).abs() < 0.5e-3, "{extra} @ {window}: {mean}");
        }
        // Written as it was read.
        let again = scenario::write_str(&design).expect("a file");
        assert_eq!(scenario::read_str(&again).design.as_ref(), Some(&design), "{again}");
    }
}

#[test]
fn manuals_are_on_the_command_line() {
    let tailboard = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tailboard")).args(args).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for (args, part) in [
        (&["explain"][..], "hedge"),
        (&["explain", "link"], "Circuit breaker"),
        (&["explain", "retry"], "jitter"),
        (&["explain", "timeline"], "Partition"),
        (&["explain", "timeline"], "from the next attempt or"),
        (&["explain", "delay"], "There("),
        (&["explain", "figures"], "failed_timeout"),
        (&["explain", "distributions"], "LogNormal"),
        (&["explain", "Normal"], "sd:"),
        (&["explain", "scenario"], "expect"),
        (&["explain", "redis"], "tailboard explain cache"),
        (&["explain", "prefetch"], "queue"),
        (&["kinds"], "load_balancer"),
        (&["kinds", "redis"], "Not there yet"),
        (&["kinds", "kafka"], "queue"),
    ] {
        let (code, stdout, stderr) = tailboard(args);
        assert!(code == Some(0) && stdout.contains(part), "{args:?}: {stdout}{stderr}");
    }
    for args in [["explain", "retri"], ["kinds", "rediss"]] {
        let (code, _, stderr) = tailboard(&args);
        assert!(code == Some(2) && stderr.contains("did you mean `re"), "{args:?}: {stderr}");
    }
}

#[test]
fn cache_aside_works_with_writes() {
    let text = r#"(run: (length: "60s", warm_up: "20s"), nodes: {
            "u": (kind: client(rate: "200/s", keys: Uniform(keys: 100), classes: { "read": (weight: 9), "write": (write: true) })),
            "api": (kind: service()), "cache": (kind: cache()), "db": (kind: database()),
        }, links: [(from: "u", to: "api"), (from: "api", to: "cache"), (from: "api", to: "db")])"#;
    let design = scenario::read_str(text).design.expect("it runs");
    let edit = tailboard::editor::aside::of_cache(&design, "api", "cache").expect("a remedy");
    let [hits, arrivals] = figures_after(&design, &edit, ["cache.hit_ratio", "db.arrivals"]);
    // Of a key, a read is missed if the last operation was a write: one in ten.
    assert!((hits - 0.9).abs() < 0.02, "{hits}");
    // Every write reaches the store, and every miss.
    assert!((arrivals - (20.0 + 18.0)).abs() < 3.0, "{arrivals}");
}

fn shown(design: &Design) -> String {
    let mut report = Run::new(design).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
    // A timer that changes nothing is an event, too.
    report.events = 0;
    serde_json::to_string(&report).expect("a report")
}

/// Settings that another setting leaves without use: each is told, and the run is the same without it.
#[test]
fn what_another_setting_leaves_without_use_is_told() {
    let text = |kind: &str| {
        format!(
            r#"(run: (length: "10s", warm_up: "0s"), nodes: {{
                "u": (kind: client(rate: "300/s")), "n": (kind: {kind}), "d": (kind: service(replicas: 3)),
            }}, links: [(from: "u", to: "n"){}])"#,
            if kind.starts_with("database") { "" } else { r#", (from: "n", to: "d")"# }
        )
    };
    for (kind, param, without) in [
        ("service(drop_expired: false)", "drop_expired", "service()"),
        (
            r#"service(slots: 2, runtime: Serverless(cold_start: "1s", keep_alive: "1s"), cores: 2)"#,
            "cores",
            r#"service(slots: 2, runtime: Serverless(cold_start: "1s", keep_alive: "1s"))"#,
        ),
        (
            "service(discipline: ProcessorSharing, cores: 2, processes: 4)",
            "processes",
            "service(discipline: ProcessorSharing, cores: 2)",
        ),
        (
            r#"service(discipline: ProcessorSharing, runtime: GlobalLock(switch_interval: "5ms"), cores: 2, processes: 2)"#,
            "runtime",
            "service(discipline: ProcessorSharing, runtime: EventLoop, cores: 2, processes: 2)",
        ),
        ("service(slots: 1, contention: 0.5, coherency: 0.1)", "contention", "service(slots: 1)"),
        (
            r#"service(work: "1ms", work_by_class: { "request": "2ms" })"#,
            "work",
            r#"service(work_by_class: { "request": "2ms" })"#,
        ),
        ("cache(writes: Around)", "writes", "cache()"),
        ("database(row_locks: true)", "row_locks", "database()"),
        (r#"load_balancer(stale: "1s")"#, "stale", "load_balancer()"),
    ] {
        let design = |kind: &str| {
            let text = text(kind);
            let read = scenario::read_str(&text);
            let drawn = read.drawn("silent", &text, false);
            read.design.unwrap_or_else(|| panic!("{drawn}"))
        };
        let told = |design: &Design| {
            let findings = check(design).into_iter().filter(|finding| finding.code == "idle-setting");
            findings.map(|finding| finding.subject.0.last().cloned().unwrap_or_default()).collect::<Vec<_>>()
        };
        let (with, without) = (design(kind), design(without));
        assert!(told(&with).iter().any(|name| name == param), "{kind}: {:?}", told(&with));
        assert!(!told(&without).iter().any(|name| name == param), "{kind}: {:?}", told(&without));
        assert_eq!(shown(&with), shown(&without), "{kind}");
    }
}

/// Every example of every parameter, where the checks say that it does nothing, changes nothing.
#[test]
fn what_is_said_to_do_nothing_does_nothing() {
    let mut said = 0;
    let mut try_it = |before: &Design, target: &str, param: &Param| {
        for example in param.examples {
            let mut after = before.clone();
            after.expect.clear();
            let set = set_parameter(&mut after, &format!("{target}.{}", param.name), example);
            let findings = check(&after);
            if set.is_err() || after == *before || findings.iter().any(|finding| finding.severity == Severity::Error) {
                continue;
            }
            let idle = |finding: &&tailboard::base::Finding| {
                let here = finding.subject.0.last().is_some_and(|last| last == param.name);
                here && ["idle-setting", "idle-policy", "unused"].contains(&finding.code)
            };
            if let Some(finding) = findings.iter().find(idle) {
                said += 1;
                let mut plain = before.clone();
                plain.expect.clear();
                assert_eq!(shown(&after), shown(&plain), "{target}.{} = {example}: {}", param.name, finding.message);
            }
        }
    };
    for meta in KINDS {
        let design = kind_scenario(meta.key);
        let node = node_of(&design, meta.key);
        parameters(&design.nodes[&node].kind).iter().for_each(|(param, _)| try_it(&design, &node, param));
    }
    let design = link_design();
    for link in ["users->api", "api->db", "api->store"] {
        LinkSpec::default().visit(&mut |param: &Param, _: &mut dyn Value| try_it(&design, link, param));
    }
    assert!(said >= 12, "{said}");
}

/// What a run is warned of: `code about: message`.
fn warned(length: &str, rate: &str, nodes: &str, links: &str) -> Vec<String> {
    let text = format!(
        r#"(run: (length: "{length}", warm_up: "1s"), nodes: {{ "u": (kind: client(rate: "{rate}")), {nodes} }}, links: [{links}])"#
    );
    let design = scenario::read_str(&text).design.unwrap_or_else(|| panic!("{text}"));
    let report = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
    report.warnings.iter().map(|warning| format!("{} {}: {}", warning.code, warning.about, warning.message)).collect()
}

/// A pool, a bulkhead or a breaker that rejects is that of one link; what is passed on has the same reason on the links before.
#[test]
fn who_rejects_is_told_and_nobody_else() {
    let nodes = r#""lb": (kind: load_balancer()), "a": (kind: service(replicas: 4, slots: 64)),
        "d": (kind: database(connections: 100, read: "20ms"))"#;
    let said = |before: &str, policy: &str| {
        let links = format!(r#"(from: "u", to: "lb"{before}), (from: "lb", to: "a"), (from: "a", to: "d", {policy})"#);
        let said = warned("10s", "1k/s", nodes, &links);
        said.into_iter().filter(|said| said.starts_with("limit")).collect::<Vec<_>>()
    };
    for (policy, part) in [
        (r#"pool: (size: 4, acquire_timeout: "50ms")"#, "connection pool is exhausted"),
        ("bulkhead: 4", "bulkhead is full"),
        (r#"timeout: "1ms", breaker: ()"#, "circuit breaker was open"),
    ] {
        for before in ["", ", bulkhead: 100000, pool: (size: 100000)"] {
            let said = said(before, policy);
            assert!(said.len() == 1 && said[0].starts_with("limit a->d") && said[0].contains(part), "{said:#?}");
        }
    }
}

/// Whatever is full is named as what it is, be it on a link, at a copy or behind what waits.
#[test]
fn what_is_full_is_named() {
    let service = r#""a": (kind: service(slots: 1000, cores: 1000, work: "5ms"))"#;
    let pooled = |slots: u32| {
        format!(
            r#""a": (kind: service(replicas: 4, slots: {slots})), "d": (kind: database(connections: 100, read: "20ms"))"#
        )
    };
    let a_d = |more: &str| format!(r#"(from: "u", to: "a"), (from: "a", to: "d"{more})"#);
    let consumers = |more: &str| format!(r#""q": (kind: queue()), "lb": (kind: load_balancer()), {more}"#);
    for (rate, nodes, links, wanted) in [
        // Pools without a limit of the wait.
        ("1k/s", service.to_owned(), r#"(from: "u", to: "a", pool: (size: 2))"#.to_owned(), &[
            ("limit u->a", "its connection pool is full: all connections (2) are in use"),
        ][..]),
        ("1k/s", pooled(64), a_d(", pool: (size: 4)"), &[
            ("limit a->d", "all connections (16) are in use"),
            ("overload a", "by calls that wait for a connection over `a->d`"),
        ]),
        // The pool is full because what it leads to is.
        (
            "500/s",
            r#""a": (kind: service(replicas: 10, slots: 100, work: "0s")), "d": (kind: database(connections: 20, read: "50ms"))"#
                .to_owned(),
            a_d(", pool: (size: 10)"),
            &[("limit a->d", "`d` is at its limit: its connections (20) are all busy")],
        ),
        // Bandwidth, of requests of 1 kB and of responses of 10 kB.
        ("100/s", service.to_owned(), r#"(from: "u", to: "a", bandwidth: "1 Mbit/s")"#.to_owned(), &[
            ("limit u->a", "its bandwidth is used up by replies"),
        ]),
        // Stores have no cores.
        ("10k/s", r#""d": (kind: database())"#.to_owned(), r#"(from: "u", to: "d")"#.to_owned(), &[
            ("overload d", "its connections (20) are all busy"),
        ]),
        (
            "1k/s",
            r#""d": (kind: sharded_store(shards: 2, slots: 1, read: "5ms", queue_limit: 3))"#.to_owned(),
            r#"(from: "u", to: "d")"#.to_owned(),
            &[("overload d", "its slots (2) are all busy")],
        ),
        // A row lock.
        (
            "1/s",
            r#""w": (kind: client(rate: "1k/s", keys: Uniform(keys: 1), classes: { "w": (write: true) })),
            "d": (kind: database(row_locks: true, connections: 100))"#
                .to_owned(),
            r#"(from: "u", to: "d"), (from: "w", to: "d")"#.to_owned(),
            &[("overload d", "only 1.00 % of them work: the others are held by calls that wait for the row lock of a key")],
        ),
        // Nothing waits where nothing may.
        (
            "1k/s",
            r#""d": (kind: database(connections: 4, read: "20ms", queue_limit: 0))"#.to_owned(),
            r#"(from: "u", to: "d")"#.to_owned(),
            &[("overload d", "its connections (4) are"), ("overload d", "no call may wait for one")],
        ),
        // The window of a queue in front of a balancer, and what stands behind consumers.
        (
            "1k/s",
            consumers(r#""s": (kind: service(replicas: 20, slots: 16, cores: 16, work: "0s", wait: "100ms"))"#),
            r#"(from: "u", to: "q"), (from: "q", to: "lb"), (from: "lb", to: "s")"#.to_owned(),
            &[("overload q", "(20 with them): raise `prefetch`")],
        ),
        (
            "1k/s",
            r#""q": (kind: queue()), "w": (kind: worker(replicas: 4, concurrency: 32, cores: 4, work: "1ms")),
            "d": (kind: database(connections: 20, read: "30ms"))"#
                .to_owned(),
            r#"(from: "u", to: "q"), (from: "q", to: "w"), (from: "w", to: "d")"#.to_owned(),
            &[("overload q", "over `w->d` (`d` is at its limit: its connections (20) are all busy")],
        ),
    ] {
        let said = warned("20s", rate, &nodes, &links);
        for (about, part) in wanted {
            assert!(said.iter().any(|said| said.starts_with(about) && said.contains(part)), "{about} {part}: {said:#?}");
        }
        assert!(!said.iter().any(|said| said.contains("cores")), "{said:#?}");
    }
}

/// One shard is full while all together are not.
#[test]
fn a_full_shard_is_named() {
    let nodes =
        r#""h": (kind: client(rate: "3k/s", keys: Uniform(keys: 1))), "s": (kind: sharded_store(shards: 8, slots: 4))"#;
    let said = warned("10s", "1k/s", nodes, r#"(from: "u", to: "s"), (from: "h", to: "s")"#);
    assert!(
        said.iter().any(|said| said.starts_with("overload s: shard `s#") && said.contains("of the calls")),
        "{said:#?}"
    );
}

/// Little more than half of what a node, a pool or a link can do is no reason to say anything.
#[test]
fn limits_that_are_not_reached_are_not_told() {
    let nodes = r#""a": (kind: service(slots: 100, cores: 100, work: "1ms")), "d": (kind: database(connections: 4, read: "10ms", queue_limit: 1000)),
        "e": (kind: database(read: "10ms"))"#;
    let links = r#"(from: "u", to: "a"), (from: "a", to: "d", optional: true),
        (from: "a", to: "e", step: 2, pool: (size: 4), bandwidth: "40 Mbit/s")"#;
    let said = warned("20s", "250/s", nodes, links);
    assert!(!said.iter().any(|said| said.starts_with("limit") || said.starts_with("overload")), "{said:#?}");
}

/// What has no room at times refuses calls though it is not busy all the time; what is busy all the time and refuses nothing
/// lets them wait.
#[test]
fn what_is_refused_and_what_waits_is_told() {
    let u_d = r#"(from: "u", to: "d")"#.to_owned();
    let worker = |queue: &str, more: &str| {
        format!(r#""q": (kind: queue({queue})), "w": (kind: worker(concurrency: 4, cores: 4, work: "20ms", {more}))"#)
    };
    let u_q_w = r#"(from: "u", to: "q"), (from: "q", to: "w")"#.to_owned();
    let burst = r#""b": (kind: client(rate: "1/s", shape: Spike(at: "10s", lasting: "2s", to: 500)))"#;
    for (rate, nodes, links, wanted) in [
        // Erlang's loss formula: 2.5 offered to 4, 15 % lost.
        (
            "250/s",
            r#""d": (kind: database(connections: 4, read: "10ms", queue_limit: 0))"#.to_owned(),
            u_d.clone(),
            &[
                "overload d: its connections (4) are 53.",
                "no call may wait for one; 1",
                "of the calls to it were refused",
            ][..],
        ),
        (
            "10/s",
            format!(r#"{burst}, "d": (kind: database(connections: 2, read: "10ms", queue_limit: 20))"#),
            format!(r#"{u_d}, (from: "b", to: "d")"#),
            &[
                "overload d: calls came faster than it took them at times (20 waited at most), though it is only",
                "were refused",
            ],
        ),
        (
            "10/s",
            format!("{burst}, {}", worker("capacity: 20", "replicas: 1")),
            format!(r#"{u_q_w}, (from: "b", to: "q")"#),
            &["overload q: of the messages,", "were refused, as it was full at times"],
        ),
        (
            "10/s",
            format!("{burst}, {}", worker("capacity: 20, overflow: DropOldest", "replicas: 1")),
            format!(r#"{u_q_w}, (from: "b", to: "q")"#),
            &["overload q: of the messages,", "were dropped to make room for newer ones"],
        ),
        (
            "10/s",
            worker("max_deliveries: 2", "error_share: 0.5"),
            u_q_w.clone(),
            &["overload q: of the messages, 2", "were given up after `max_deliveries` (dead letters)"],
        ),
        (
            "300/s",
            worker("capacity: 100, overflow: Block", ""),
            u_q_w,
            &[
                "overload q: its consumers are at their limit (`w`",
                "messages wait on average, and producers wait for room for",
            ],
        ),
    ] {
        let said = warned("20s", rate, &nodes, &links).join("\n");
        assert!(wanted.iter().all(|part| said.contains(part)), "{wanted:?}: {said}");
    }
    // A closed loop that takes all there is: nothing is refused.
    let text = r#"(run: (length: "20s"), nodes: {
        "u": (kind: client(arrivals: Closed(users: 40, think: "1ms"))), "d": (kind: database(connections: 4, read: "10ms")) },
        links: [(from: "u", to: "d")])"#;
    let design = scenario::read_str(text).design.expect("a design");
    let said = format!("{:?}", Run::new(&design).expect("it runs").finish().warnings);
    assert!(said.contains("calls wait on average: more load brings no more throughput"), "{said}");
}

/// Users who do not think are let run: a client has a least pause, as its manual says.
#[test]
fn users_need_not_think() {
    let text = r#"(run: (length: "1s"), nodes: { "u": (kind: client(arrivals: Closed(users: 2, think: "0s"))),
        "a": (kind: service(slots: 1, queue_limit: 0, work: "1s")) }, links: [(from: "u", to: "a")])"#;
    let design = scenario::read_str(text).design.expect("it runs");
    let report = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
    // One of them is served, the other asks again every 10 us.
    assert!((90_000..=100_100).contains(&report.total.offered), "{}", report.total.offered);
}
