//! No call is lost, none is answered twice: random designs, with random policies and interventions.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tailboard::base::{Span, Time};
use tailboard::design::{Action, Design, Intervention, LinkSpec, Node, RunSpec, Target, WarmUp, set_parameter};
use tailboard::kinds::Spec;
use tailboard::run::Run;
use tailboard::scenario;

/// A layer of a design: its kind, and settings of it.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "service",
        &[
            "",
            "slots=2",
            "queue_limit=3",
            "max_wait=20ms",
            "runtime=EventLoop",
            "discipline=ProcessorSharing",
            "discipline=PreemptivePriority",
            "error_share=20%",
            "replicas=3",
            "wait=3ms",
            "cores=1",
            "work_after=1ms",
            "breakdowns=(up: \"1s\", down: \"300ms\", lose: true)",
            "pauses=(every: \"500ms\", lasting: \"100ms\")",
            "runtime=Serverless(cold_start: \"50ms\", keep_alive: \"200ms\")",
            "discipline=WeightedFair",
            "codel=(target: \"5ms\", interval: \"50ms\")",
        ],
    ),
    (
        "load_balancer",
        &[
            "",
            "balance=LeastConnections",
            "balance=PeakEwma(decay: \"1s\")",
            "health_check=(interval: \"200ms\")",
            "ejection=(failures: 3, lasting: \"500ms\")",
            "stale=300ms",
            "balance=ConsistentHash(virtual_nodes: 20, bound: 1.25)",
        ],
    ),
    (
        "cache",
        &[
            "",
            "single_flight=true",
            "ttl=300ms",
            "writes=Behind",
            "early_refresh=1",
            "capacity=Entries(20)",
            "writes=Around",
        ],
    ),
    ("rate_limiter", &["", "algorithm=LeakyBucket", "algorithm=SlidingWindow", "per_tenant=true", "rate=30/s"]),
    ("database", &["", "connections=1", "replication=Quorum(r: 1, w: 1)", "row_locks=true"]),
    ("sharded_store", &["", "shards=5", "slots=1", "queue_limit=2"]),
    ("queue", &["", "overflow=Block", "capacity=5", "visibility_timeout=30ms", "max_deliveries=2", "prefetch=5"]),
];

const POLICIES: &[&str] = &[
    "timeout=8ms",
    "timeout=30ms",
    "retry=(attempts: 3, backoff: (base: \"5ms\"))",
    "retry=(attempts: 2, budget: (share: 0.1))",
    "hedge=(after: \"4ms\", copies: 2)",
    "breaker=(minimum_calls: 5)",
    "bulkhead=2",
    "pool=(size: 2, acquire_timeout: \"10ms\", connect: \"1ms\")",
    "cancel=true",
    "deadline=25ms",
    "propagate_deadline=true",
    "fallback=(after: \"1ms\")",
    "latency=2ms",
    "latency=Exponential(\"1ms\")",
    "loss=5%",
    "optional=true",
    "mode=Async",
    "calls=3",
    "calls=0.5",
    "sequential=true",
    "bandwidth=1 MB/s",
];

/// What a test case is made of: numbers, so that a failure shrinks to a small one.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    /// Kind and setting of each layer.
    layers: Vec<(usize, usize)>,
    /// Layer, and policy of the link that leads to it.
    policies: Vec<(usize, usize)>,
    closed: bool,
    /// Time in tenths, duration in tenths (0: it stays), what, and where.
    interventions: Vec<(u64, u64, usize, usize)>,
}

fn case() -> impl Strategy<Value = Case> {
    let layer = (0..LAYERS.len(), 0..20usize);
    let intervention = (0..10u64, 0..4u64, 0..11usize, 0..8usize);
    (
        any::<u64>(),
        prop::collection::vec(layer, 1..5),
        prop::collection::vec((0..5usize, 0..POLICIES.len()), 0..7),
        any::<bool>(),
        prop::collection::vec(intervention, 0..4),
    )
        .prop_map(|(seed, layers, policies, closed, interventions)| Case {
            seed,
            layers,
            policies,
            closed,
            interventions,
        })
}

/// The design of a case. Settings that do not go together are left out.
fn design(case: &Case) -> Design {
    let mut design = Design { seed: case.seed, ..Design::default() };
    design.run = RunSpec { length: Span::from_secs(3), warm_up: WarmUp::Auto };
    let add = |design: &mut Design, name: &str, key: &str| {
        let kind = Spec::new(key).expect("in the catalogue");
        design.nodes.insert(name.to_owned(), Node { kind, at: None, label: String::new() });
    };
    let client = if case.closed {
        "client(arrivals: Closed(users: 30, think: Exponential(\"50ms\")), tenants: 3)"
    } else {
        "client(rate: \"300/s\", tenants: 3)"
    };
    let client = client.replace(
        "tenants: 3",
        "tenants: 3, keys: Uniform(keys: 50), classes: { \"read\": (weight: 3, priority: 1), \"write\": (weight: 1, write: true) }, deadline: \"60ms\"",
    );
    let text = format!("(nodes: {{ \"client\": (kind: {client}) }})");
    // The client alone has nowhere to send; read it as a part.
    design.nodes = tailboard::base::ron::read::<Design>(&text).value.expect("a client").nodes;
    let mut last = "client".to_owned();
    for (i, (kind, setting)) in case.layers.iter().enumerate() {
        let name = format!("n{i}");
        let (key, settings) = LAYERS[*kind];
        add(&mut design, &name, key);
        design.links.push(LinkSpec::new(&last, &name));
        let setting = settings[setting % settings.len()];
        if let Some((param, value)) = setting.split_once('=') {
            set_parameter(&mut design, &format!("{name}.{param}"), value)
                .unwrap_or_else(|problem| panic!("{key}.{setting}: {problem}"));
        }
        let ends = matches!(key, "database" | "sharded_store");
        last = name;
        if ends {
            break;
        }
    }
    // Whatever cannot be the last has something behind it.
    match design.nodes[&last].kind.meta().key {
        "load_balancer" | "rate_limiter" => {
            add(&mut design, "end", "service");
            design.links.push(LinkSpec::new(&last, "end"));
        }
        "queue" => {
            add(&mut design, "end", "worker");
            design.links.push(LinkSpec::new(&last, "end"));
        }
        _ => {}
    }
    let links = design.links.len();
    for (layer, policy) in &case.policies {
        let (param, value) = POLICIES[*policy].split_once('=').expect("param=value");
        let mut changed = design.clone();
        let link = changed.links[layer % links].name();
        set_parameter(&mut changed, &format!("{link}.{param}"), value)
            .unwrap_or_else(|problem| panic!("{param}={value}: {problem}"));
        if Run::new(&changed).is_ok() {
            design = changed;
        }
    }
    let nodes: Vec<String> = design.nodes.keys().filter(|name| *name != "client").cloned().collect();
    for (at, lasting, what, place) in &case.interventions {
        let node = nodes[place % nodes.len()].clone();
        let link = design.links[place % links].name();
        let action = match what {
            0 => Action::Kill(node),
            1 => Action::Restart(node),
            2 => Action::Slow(node, 5.0),
            3 => Action::Fail(node, tailboard::base::Ratio(0.5)),
            4 => Action::Lose(link, tailboard::base::Ratio(0.5)),
            5 => Action::Delay(link, tailboard::design::Extra::There(Span::from_millis(20))),
            6 => Action::Partition(vec![node], vec!["client".to_owned()]),
            7 => Action::Hold(link),
            8 => Action::Freeze(node),
            9 => Action::Kill(format!("{node}#0")),
            _ => Action::Heal(node),
        };
        let tenth = |n: u64| Span::from_millis(300 * n);
        let lasting = (*lasting > 0).then(|| tenth(*lasting));
        let mut changed = design.clone();
        changed.timeline.push(Intervention { at: tenth(*at), lasting, ramp: None, action });
        if Run::new(&changed).is_ok() {
            design = changed;
        }
    }
    design
}

fn conserves(case: &Case) -> Result<(), TestCaseError> {
    let design = design(case);
    let run = Run::new(&design);
    let Ok(mut run) = run else {
        return Err(TestCaseError::fail(format!("{:?}", run.err())));
    };
    for step in 1..=12 {
        run.advance(Time(design.run.length.0 / 12 * step));
        let imbalance = run.sim().imbalance();
        prop_assert!(imbalance.is_none(), "{imbalance:?} in\n{}", scenario::write_str(&design).unwrap_or_default());
    }
    let report = run.report();
    // Every success has a latency and a wait, however links and their callees share the counting.
    for (name, node) in &report.nodes {
        prop_assert_eq!(node.latency.count, node.succeeded, "latencies of {}", name);
        prop_assert_eq!(node.wait.count, node.succeeded, "waits of {}", name);
    }
    for (name, link) in &report.links {
        prop_assert_eq!(link.latency.count, link.succeeded, "latencies of {}", name);
    }
    // Over the whole run the report adds up too; after a warm-up some end that began before it.
    if report.warm_up == 0.0 {
        for (name, class) in &report.classes {
            let ended = class.good + class.late + class.failed.values().sum::<u64>();
            prop_assert_eq!(class.offered, ended + class.in_flight, "{}", name);
        }
        for (name, link) in &report.links {
            let ended = link.succeeded + link.failed.values().sum::<u64>();
            prop_assert_eq!(link.attempts, ended + link.in_flight, "{}", name);
        }
    }
    // What was written replays to the same.
    let text = scenario::write_str(&design).map_err(TestCaseError::fail)?;
    prop_assert_eq!(scenario::read_str(&text).design, Some(design));
    Ok(())
}

#[test]
fn a_thousand_random_designs_lose_no_call() {
    let config = Config { cases: 1_000, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"a fixed seed repeats a failure!!");
    let mut runner = TestRunner::new_with_rng(config, rng);
    if let Err(problem) = runner.run(&case(), |case| conserves(&case)) {
        panic!("{problem}");
    }
}

#[test]
fn targets_of_interventions_are_found() {
    let case =
        Case { seed: 1, layers: vec![(0, 0)], policies: Vec::new(), closed: false, interventions: vec![(1, 1, 0, 0)] };
    let design = design(&case);
    assert_eq!(Target::find(&design, "n0"), Some(Target::Node("n0")));
    assert_eq!(design.timeline.len(), 1);
}
