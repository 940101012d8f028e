//! Every kind in the catalogue keeps its promises: what it names exists, is documented, is written as it is read, and does
//! something.

use crate::scenarios::{files, load};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::RngExt as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tailboard::base::{Severity, Span, Time};
use tailboard::design::{Action, Design, Intervention, LinkSpec, Node, set_parameter};
use tailboard::kinds::{KINDS, Param, Spec, Value};
use tailboard::run::Run;
use tailboard::{export, scenario};

/// Parameters that act only beside others: what else to set before the example is tried.
const BESIDE: &[(&str, &[(&str, &str)])] = &[
    ("rate_limiter.window", &[("algorithm", "FixedWindow")]),
    ("cache.write_delay", &[("writes", "Behind")]),
    // What the store does not have.
    ("cache.negative_ttl", &[("db.missing", "\"50%\"")]),
    ("service.fair_weights", &[("discipline", "WeightedFair")]),
    ("sharded_store.keys", &[("strategy", "Range")]),
    ("database.write_there", &[("replication", "Quorum(r: 2, w: 2)")]),
    ("database.write_back", &[("replication", "Quorum(r: 2, w: 2)")]),
    ("database.read_there", &[("replication", "Quorum(r: 2, w: 2)")]),
    ("database.read_back", &[("replication", "Quorum(r: 2, w: 2)")]),
    // A replica must be noticed to have come back.
    ("load_balancer.slow_start", &[("health_check", "(interval: \"500ms\")")]),
    // Delivered again while still at work: a duplicate.
    ("queue.delivery", &[("visibility_timeout", "40ms")]),
    // There must be something in the queue when it is killed.
    ("queue.durable", &[("workers.replicas", "1")]),
];

fn kinds_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kinds")
}

pub fn kind_scenario(key: &str) -> Design {
    load(&kinds_folder().join(format!("{key}.ron")))
}

/// The name of the node of this kind.
pub fn node_of(design: &Design, key: &str) -> String {
    let found = design.nodes.iter().find(|(_, node)| node.kind.meta().key == key);
    found.unwrap_or_else(|| panic!("no {key} in its scenario")).0.clone()
}

/// Everything that a run shows, as one text.
fn shown(design: &Design) -> String {
    let mut run = Run::new(design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    assert_eq!(run.sim().imbalance(), None);
    let report = run.report();
    serde_json::to_string(&report).expect("a report") + &export::csv(run.recorder()).expect("a series")
}

pub fn parameters(spec: &Spec) -> Vec<(Param, String)> {
    let mut all = Vec::new();
    spec.clone().visit(&mut |param: &Param, value: &mut dyn Value| all.push((*param, value.text())));
    all
}

pub fn link_parameters() -> Vec<Param> {
    let mut all = Vec::new();
    LinkSpec::new("a", "b").visit(&mut |param: &Param, _: &mut dyn Value| all.push(*param));
    all
}

#[test]
fn every_file_of_a_kind_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kinds");
    let besides = ["clock", "form", "kind", "life", "mod", "params", "products", "station", "testing"];
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let listed = KINDS.iter().any(|meta| meta.key == name) || besides.contains(&name.as_str());
        let variant: String = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        assert!(listed, "add to the catalogue in src/kinds/mod.rs: {variant} = {name}::{variant},");
    }
}

#[test]
fn every_kind_has_a_scenario_and_every_such_scenario_a_kind() {
    let names: BTreeSet<String> = files(&kinds_folder()).into_iter().map(|(name, _)| name).collect();
    let keys: BTreeSet<String> = KINDS.iter().map(|meta| meta.key.to_owned()).collect();
    assert_eq!(names, keys);
    for key in keys {
        node_of(&kind_scenario(&key), &key);
    }
}

#[test]
fn every_kind_has_an_icon_and_every_icon_a_kind() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/icons");
    let icons: BTreeSet<String> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an icon").file_name().to_string_lossy().into_owned())
        .collect();
    let wanted: BTreeSet<String> = KINDS.iter().map(|meta| format!("{}.svg", meta.key)).collect();
    assert_eq!(icons, wanted);
    for icon in icons {
        let text = std::fs::read_to_string(folder.join(&icon)).expect("text");
        // One family: the same grid, and the colour of the text around it.
        assert!(text.contains("viewBox=\"0 0 24 24\"") && text.contains("currentColor"), "{icon}");
        assert!(text.contains("<title>") && text.trim_end().ends_with("</svg>") && text.len() < 1_000, "{icon}");
    }
}

#[test]
fn every_kind_is_documented() {
    for meta in KINDS {
        let spec = Spec::new(meta.key).expect("in the catalogue");
        assert!(meta.summary.ends_with('.') && meta.help.len() > 200, "{}: too little is said", meta.key);
        assert!(meta.help.contains("ot modelled"), "{}: says what is not modelled", meta.key);
        let manual = tailboard::cli::explain::text(&spec);
        for (param, _) in parameters(&spec) {
            assert!(param.help.ends_with('.') && param.help.len() > 10, "{}.{}", meta.key, param.name);
            assert!(manual.contains(&format!("\n  {}: ", param.name)), "{}.{}", meta.key, param.name);
            assert!(!param.examples.is_empty(), "{}.{} has no example", meta.key, param.name);
        }
    }
}

#[test]
fn defaults_have_no_findings() {
    for meta in KINDS {
        let mut design = kind_scenario(meta.key);
        let node = node_of(&design, meta.key);
        design.nodes.get_mut(&node).expect("a node").kind = Spec::new(meta.key).expect("in the catalogue");
        design.timeline.clear();
        design.expect.clear();
        for link in &mut design.links {
            link.when.classes.clear();
        }
        let text = scenario::write_str(&design).expect("a text");
        let mut read = scenario::read_str(&text);
        // What the others were set to may need what the scenario said of this one.
        read.diagnostics.retain(|said| said.severity == Severity::Error || said.label.contains(&node));
        assert!(read.diagnostics.is_empty(), "{}", read.drawn(meta.key, &text, false));
    }
}

#[test]
fn scenarios_round_trip() {
    for folder in [kinds_folder(), kinds_folder().join("..")] {
        for (name, path) in files(&folder) {
            let design = load(&path);
            let text = scenario::write_str(&design).expect("a text");
            let again = scenario::read_str(&text);
            assert_eq!(again.design.as_ref(), Some(&design), "{name}: {}", again.drawn(&name, &text, false));
        }
    }
}

#[test]
fn what_is_written_is_what_is_visited() {
    let keys = |value: serde_json::Value| -> BTreeSet<String> {
        value.as_object().expect("a struct").keys().cloned().collect()
    };
    for meta in KINDS {
        let spec = Spec::new(meta.key).expect("in the catalogue");
        let written = serde_json::to_value(&spec).expect("a value")[meta.key].clone();
        let visited: BTreeSet<String> = parameters(&spec).iter().map(|(param, _)| param.name.to_owned()).collect();
        assert_eq!(keys(written), visited, "{}", meta.key);
    }
    let link = LinkSpec { name: Some("name".to_owned()), ..LinkSpec::new("a", "b") };
    let mut visited: BTreeSet<String> = link_parameters().iter().map(|param| param.name.to_owned()).collect();
    visited.extend(["from", "to", "name"].map(str::to_owned));
    assert_eq!(keys(serde_json::to_value(&link).expect("a value")), visited);
}

/// Set what an example needs beside itself.
pub fn prepare(design: &mut Design, node: &str, path: &str) {
    for (_, settings) in BESIDE.iter().filter(|(param, _)| *param == path) {
        for (name, value) in *settings {
            let (node, name) = name.split_once('.').unwrap_or((node, name));
            set_parameter(design, &format!("{node}.{name}"), value)
                .unwrap_or_else(|problem| panic!("{path}: {problem}"));
        }
    }
}

#[test]
fn every_parameter_of_every_kind_changes_the_run() {
    let mut dead = Vec::new();
    for meta in KINDS {
        let design = kind_scenario(meta.key);
        let node = node_of(&design, meta.key);
        for (param, _) in parameters(&design.nodes[&node].kind) {
            let mut before = design.clone();
            prepare(&mut before, &node, &format!("{}.{}", meta.key, param.name));
            let shown_before = shown(&before);
            let mut tried = 0;
            for example in param.examples {
                let mut changed = before.clone();
                let path = format!("{node}.{}", param.name);
                set_parameter(&mut changed, &path, example)
                    .unwrap_or_else(|problem| panic!("{path}={example}: {problem}"));
                changed.expect.clear();
                // What the scenario has already is tried by another example.
                if changed.nodes != before.nodes {
                    tried += 1;
                } else if param.examples.len() > 1 {
                    continue;
                }
                if shown(&changed) == shown_before {
                    dead.push(format!("{}.{} = {example}", meta.key, param.name));
                }
            }
            assert!(tried > 0, "{}.{} was not tried", meta.key, param.name);
        }
    }
    assert!(dead.is_empty(), "these change nothing: {dead:#?}");
}

#[test]
fn every_live_parameter_acts_while_running() {
    let mut dead = Vec::new();
    for meta in KINDS {
        let design = kind_scenario(meta.key);
        let node = node_of(&design, meta.key);
        for (param, _) in parameters(&design.nodes[&node].kind).into_iter().filter(|(param, _)| param.live) {
            let mut before = design.clone();
            prepare(&mut before, &node, &format!("{}.{}", meta.key, param.name));
            let shown_before = shown(&before);
            let acts = param.examples.iter().any(|example| {
                let mut changed = before.clone();
                let action = Action::Set(format!("{node}.{}", param.name), (*example).to_owned());
                let at = Span(changed.run.length.0 / 5);
                changed.timeline.push(Intervention { at, lasting: None, ramp: None, action });
                changed.expect.clear();
                shown(&changed) != shown_before
            });
            if !acts {
                dead.push(format!("{}.{}", meta.key, param.name));
            }
        }
    }
    assert!(dead.is_empty(), "these do not act while running: {dead:#?}");
}

/// A caller with everything that the parameters of a link can act on.
const LINKS: &str = r#"(
    run: (length: "20s", warm_up: "1s"),
    nodes: {
        "users": (kind: client(rate: "150/s", keys: Uniform(keys: 100), classes: { "read": (weight: 3), "write": (weight: 1, write: true) }, deadline: "80ms")),
        "api": (kind: service(replicas: 2, slots: 8, cores: 4, work: Exponential("4ms"), queue_limit: 20)),
        "db": (kind: service(slots: 6, cores: 4, work: Exponential("12ms"), queue_limit: 10, error_share: 0.05, start_up: "1s")),
        "store": (kind: sharded_store(shards: 3, slots: 2, read: Exponential("3ms"), write: Exponential("6ms"), queue_limit: Some(10))),
    },
    links: [
        (from: "users", to: "api", propagate_deadline: true),
        (from: "api", to: "db", latency: "1ms"),
        (from: "api", to: "store"),
    ],
)"#;

pub fn link_design() -> Design {
    scenario::read_str(LINKS).design.expect("a design")
}

/// Set what an example of a link's parameter needs beside itself.
pub fn prepare_link(design: &mut Design, link: &str, param: &str) {
    // Cancelling means something where somebody stops waiting; a copy too many where there are several calls.
    if param == "cancel" {
        set_parameter(design, &format!("{link}.timeout"), "\"10ms\"").expect("a timeout");
    }
    if ["sequential", "keys", "wait"].contains(&param) {
        set_parameter(design, &format!("{link}.calls"), "3").expect("calls");
    }
    if param == "breaker" {
        set_parameter(design, "db.error_share", "0.8").expect("a share");
    }
    if param == "weight" {
        for link in ["api->db", "api->store"] {
            set_parameter(design, &format!("{link}.wait"), "Choose").expect("a choice");
        }
    }
}

#[test]
fn every_parameter_of_a_link_changes_the_run() {
    let design = link_design();
    let mut dead = Vec::new();
    for param in link_parameters() {
        for example in param.examples {
            let acts = |link: &str| {
                let mut before = design.clone();
                prepare_link(&mut before, link, param.name);
                let mut changed = before.clone();
                if param.name == "wait" {
                    set_parameter(&mut changed, "api->store.wait", example).expect("both links of a step wait alike");
                }
                let path = format!("{link}.{}", param.name);
                set_parameter(&mut changed, &path, example)
                    .unwrap_or_else(|problem| panic!("{path}={example}: {problem}"));
                shown(&changed) != shown(&before)
            };
            if !acts("api->db") && !acts("api->store") {
                dead.push(format!("{} = {example}", param.name));
            }
        }
    }
    assert!(dead.is_empty(), "these change nothing: {dead:#?}");
}

/// A design with random parameters of one kind, among the examples that each of them names.
fn random_design(key: &str, seed: u64) -> Design {
    let mut rng =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed as u8; 32]))
            .new_rng();
    let mut design = kind_scenario(key);
    design.expect.clear();
    design.run.length = Span::from_secs(5);
    design.run.warm_up = tailboard::design::WarmUp::Auto;
    design.timeline.retain(|intervention| intervention.at < Span::from_secs(5));
    design.seed = seed;
    let node = node_of(&design, key);
    for (param, _) in parameters(&design.nodes[&node].kind) {
        if rng.random_bool(0.4) {
            let example = param.examples[rng.random_range(0..param.examples.len())];
            let mut changed = design.clone();
            set_parameter(&mut changed, &format!("{node}.{}", param.name), example).expect("an example");
            // Some do not go together, and are refused: that is as good.
            if Run::new(&changed).is_ok() {
                design = changed;
            }
        }
    }
    design
}

#[test]
fn a_hundred_random_specs_of_every_kind_lose_no_call() {
    for meta in KINDS {
        for seed in 0..100 {
            let design = random_design(meta.key, seed);
            let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{}: {findings:?}", meta.key));
            for tenth in 1..=10 {
                run.advance(Time(design.run.length.0 / 10 * tenth));
                assert_eq!(
                    run.sim().imbalance(),
                    None,
                    "{} with seed {seed}: {:?}",
                    meta.key,
                    node_spec(&design, meta.key)
                );
            }
            let text = scenario::write_str(&design).expect("a text");
            assert_eq!(scenario::read_str(&text).design.as_ref(), Some(&design), "{} with seed {seed}", meta.key);
        }
    }
}

fn node_spec<'a>(design: &'a Design, key: &str) -> &'a Node {
    &design.nodes[&node_of(design, key)]
}
