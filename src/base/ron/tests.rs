use super::*;
use crate::base::dist::Shape;
use crate::base::units::{Bandwidth, Count};
use crate::base::{Bytes, Dist, Rate, Ratio, Span};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Design {
    title: String,
    #[serde(default)]
    nodes: BTreeMap<String, Spec>,
    #[serde(default)]
    links: Vec<Link>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Spec {
    Service(Service),
    Cache { capacity: Count, ttl: Option<Span> },
    Pair(u8, Span),
    Client,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Service {
    replicas: u32,
    time: Dist,
    weights: Vec<f64>,
    timeout: Option<Span>,
}

impl Default for Service {
    fn default() -> Self {
        Service { replicas: 1, time: Dist::ZERO, weights: vec![], timeout: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    from: String,
    to: String,
    latency: Dist,
    #[serde(default)]
    loss: Ratio,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    rate: Rate,
    size: Bytes,
    small: u8,
    signed: i16,
    #[serde(alias = "narrow")]
    wide: Option<Bandwidth>,
}

const GOOD: &str = r#"#![enable(implicit_some)]
// A design.
(
    title: "Shop",
    nodes: {
        "web": client,
        "api": service(replicas: 3, time: Exponential("2ms"), timeout: "1s"),
        "db": service((replicas: 0x2, time: "10ms", weights: [1, 2.5,])),
        "pair": pair(1, "2s"), /* nested /* comment */ */
        "hot": cache(capacity: "10k", ttl: Some("5min")),
    },
    links: [
        (from: "web", to: "api", latency: Uniform(min: "1ms", max: "2ms"), loss: "5%"),
        (from: "api", to: "db", latency: 0_0),
    ],
    limits: Limits(rate: "1k/s", size: "64 KiB", small: 255, signed: -3, wide: "1 Gbit/s"),
)
"#;

fn line(text: &str, problem: &Problem) -> usize {
    text[..problem.span.start].matches('\n').count() + 1
}

fn summary(text: &str) -> Vec<(usize, &'static str)> {
    read::<Design>(text).problems.iter().map(|p| (line(text, p), p.code)).collect()
}

#[test]
fn a_good_text_is_read() {
    let text = GOOD.replace("latency: 0_0", "latency: \"0s\"");
    let design = read::<Design>(&text).into_result().unwrap();
    assert_eq!(design.nodes.len(), 5);
    let Spec::Service(db) = &design.nodes["db"] else { panic!() };
    assert_eq!((db.replicas, db.weights.clone()), (2, vec![1.0, 2.5]));
    let Spec::Service(api) = &design.nodes["api"] else { panic!() };
    assert_eq!(api.time, Dist::exponential(Span::from_millis(2)));
    assert_eq!(design.nodes["pair"], Spec::Pair(1, Span::from_secs(2)));
    for written in [to_pretty(&design).unwrap(), to_text(&design).unwrap()] {
        assert!(!written.contains("enable"), "{written}");
        assert_eq!(read::<Design>(&written).into_result().unwrap(), design, "{written}");
    }
}

/// Each on a line of its own: all found, nothing else said.
#[test]
fn ten_mistakes_are_ten_problems() {
    let text = r#"(
    title: Shop,
    nodes: {
        "web": clinet,
        "api": service(replica: 3, timeout: "1s"),
        "db": service(replicas: -2,
            time: "10 parsecs"),
        "hot": cache(capacity: "1k"; ttl: "5min"),
    },
    links: [
        (from: "web", latency: "1ms"),
        (from: "web", to: "api", latency: "1ms", loss: 1.5),
    ],
    limits: (small: 300,
        size = "1 kB",
        size: "2 kB"),
)
"#;
    let expected = [
        (2, "wrong-type"),
        (4, "unknown-name"),
        (5, "unknown-field"),
        (6, "out-of-range"),
        (7, "wrong-value"),
        (8, "syntax"),
        (11, "missing-field"),
        (12, "wrong-value"),
        (14, "out-of-range"),
        (15, "syntax"),
        (16, "duplicate-field"),
    ];
    let reading = read::<Design>(text);
    assert_eq!(summary(text), expected, "{:#?}", reading.problems);
    let help = |line_no| reading.problems.iter().find(|p| line(text, p) == line_no).unwrap().help.clone().unwrap();
    assert!(help(2).contains("\"Shop\""), "{}", help(2));
    assert!(help(4).contains("did you mean `client`?"), "{}", help(4));
    assert!(help(5).contains("did you mean `replicas`?"), "{}", help(5));
    for problem in &reading.problems {
        for word in ["u32", "u8", "struct", "enum", "variant", "Design", "Spec", "visitor"] {
            assert!(!problem.message.contains(word) && !problem.label.contains(word), "{problem:?}");
        }
    }
    assert_eq!(reading.problems[4].path, ["nodes", "db", "time"]);
    assert_eq!(reading.problems[7].path, ["links", "1", "loss"]);
    assert!(reading.problems[10].secondary.is_some());
}

#[test]
fn every_missing_field_is_named_once() {
    let text = "(nodes: {\"a\": cache()}, links: [(loss: 2)])";
    let codes: Vec<String> = read::<Design>(text).problems.iter().map(|p| p.message.clone()).collect();
    let missing = |name: &str| codes.iter().filter(|m| m.contains(&format!("lacks the field `{name}`"))).count();
    for name in ["title", "capacity", "from", "to", "latency"] {
        assert_eq!(missing(name), 1, "{name}: {codes:#?}");
    }
    assert_eq!(codes.len(), 6, "{codes:#?}");
}

#[test]
fn what_is_right_is_kept() {
    let reading = read::<Design>("(title: \"x\", nodes: {\"a\": client, \"b\": clinet}, links: [(from: \"a\")])");
    let design = reading.value.unwrap();
    assert_eq!(design.nodes.keys().collect::<Vec<_>>(), ["a"]);
    assert!(design.links.is_empty());
    assert_eq!(reading.problems.len(), 3);
}

#[test]
fn syntax_mistakes_do_not_cascade() {
    for (text, expected) in [
        ("", vec![(1, "empty")]),
        ("  // nothing\n", vec![(1, "empty")]),
        ("(title: \"x\"", vec![(1, "unclosed")]),
        ("(\ntitel: \"x\",\n nodes: {", vec![(2, "unknown-field"), (3, "unclosed")]),
        ("(title: \"x\",\n nodes: {\"a\": client, ", vec![(2, "unclosed")]),
        ("(title: \"x\",\n nodes: {\"a\": client,\n links: [])", vec![(3, "unclosed")]),
        ("(title: \"x\"\n nodes: {})", vec![(1, "syntax")]),
        ("(title: \"x,\n nodes: {\"a\": client},\n links: [])", vec![(1, "unclosed")]),
        ("(title: \"x\",\n links: [],,\n)", vec![(2, "syntax")]),
        ("(title: \"x\"))", vec![(1, "syntax")]),
        ("(title: \"x\") trailing", vec![(1, "syntax")]),
        ("(title: \"x\", limits: (size: 10kB))", vec![(1, "syntax")]),
        ("(title: \"x\", nodes: {\"a\": client, \"a\": client})", vec![(1, "duplicate-key")]),
        ("(title: \"x\", nodes: {my-node: client})", vec![(1, "syntax")]),
        ("(title: \"x\", nodes: {\"a\": })", vec![(1, "syntax")]),
        ("(title: 'shop')", vec![(1, "syntax")]),
        ("(title: \"a\\qb\")", vec![(1, "syntax")]),
        ("(title: \"x\", # comment\n links: [])", vec![(1, "syntax")]),
        ("(tit!le: \"x\", links: [])", vec![(1, "syntax")]),
        ("(title: \"x\" /* open", vec![(1, "unclosed")]),
        ("(title: \"x\", limits: (wide: \"1 kB/s\", narrow: \"2 kB/s\"))", vec![(1, "duplicate-field")]),
        ("(title: r#\"x\", links: [])", vec![(1, "unclosed")]),
    ] {
        assert_eq!(summary(text), expected, "{text}\n{:#?}", read::<Design>(text).problems);
    }
}

#[test]
fn wrong_shapes_are_said_plainly() {
    for (text, part) in [
        ("[]", "the file should be fields in ( )"),
        ("(title: 3)", "`title` should be a text in quotes, not 3"),
        ("(title: \"x\", nodes: [])", "`nodes` should be a table in { }"),
        ("(title: \"x\", links: {})", "`links` should be a list in [ ], not a table"),
        ("(title: \"x\", nodes: {\"a\": service(time: Mixture([(1, \"2\")]))})", "item 2 of item 1 of `time`: `2` has"),
        ("(title: \"x\", links: [3])", "item 1 of `links` should be fields in ( )"),
        ("(title: \"x\", limits: (small: 3.5))", "whole number from 0 to 255, not 3.5"),
        ("(title: \"x\", limits: (small: 99999999999999999999999999))", "whole number from 0 to 255"),
        ("(title: \"x\", nodes: {\"a\": pair(1, \"2s\", 3)})", "`a` should be 2 values in ( ), not 3"),
        ("(title: \"x\", nodes: {\"a\": pair(1, 2)})", "`2` has no unit"),
        ("(title: \"x\", nodes: {\"a\": client(1)})", "`client` holds nothing"),
        ("(title: \"x\", nodes: {\"a\": \"client\"})", "`a` should be one of `service`"),
        ("(title: \"x\", nodes: {\"a\": service(time: exponential(\"2ms\"))})", "`time` cannot be `exponential`"),
        ("(title: \"x\", nodes: {\"a\": service(time: Exponential)})", "not just `Exponential`"),
        ("(title: \"x\", nodes: {\"a\": service(time: [1])})", "`time` should be a time such as"),
    ] {
        let problems = read::<Design>(text).problems;
        assert_eq!(problems.len(), 1, "{text}\n{problems:#?}");
        let message = problems[0].message.replace("2 has no unit", "`2` has no unit");
        assert!(message.contains(part), "{text}\n{message}");
    }
}

#[test]
fn places_are_found_by_path() {
    let tree = read::<Design>(GOOD).tree;
    let path = |steps: &[&str]| steps.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let at = |steps: &[&str]| span_of(&tree, &path(steps)).map(|span| &GOOD[span]);
    assert_eq!(at(&["nodes", "api", "replicas"]), Some("3"));
    assert_eq!(at(&["nodes", "db", "replicas"]), Some("0x2"));
    assert_eq!(at(&["nodes", "db", "weights", "1"]), Some("2.5"));
    assert_eq!(at(&["nodes", "web"]), Some("client"));
    assert_eq!(at(&["nodes", "api", "time"]), Some("Exponential(\"2ms\")"));
    assert_eq!(at(&["links", "1", "to"]), Some("\"db\""));
    assert_eq!(at(&["nodes", "nobody"]), None);
    assert_eq!(&GOOD[nearest_span(&tree, &path(&["nodes", "api", "weights"]))], "\"api\"");
    assert_eq!(&GOOD[nearest_span(&tree, &path(&["nodes", "api", "replicas"]))], "3");
    assert_eq!(&GOOD[nearest_span(&tree, &[])], "(");
    let nested = read::<u8>(&format!("{}3{}", "(".repeat(60), ")".repeat(60)));
    assert_eq!(nested.value, Some(3));
    assert_eq!(span_of(&nested.tree, &path(&["nobody"])), None);
    assert_eq!(path_at(&tree, GOOD.find("0x2").unwrap()), ["nodes", "db", "replicas"]);
}

#[test]
fn depth_and_number_are_bounded() {
    for text in ["(".repeat(200_000), "[".repeat(200_000) + &"]".repeat(200_000), "{a:".repeat(100_000)] {
        let codes: Vec<_> = read::<Design>(&text).problems.iter().map(|p| p.code).collect();
        assert!(codes.contains(&"too-deep") && codes.len() < 5, "{codes:?}");
    }
    for noise in ["!", "\"\n", ")", "'", "a=", "#\n", "r#\"", "\\\"", ", ", "(]", "1x ", "/*"] {
        let reading = read::<Design>(&noise.repeat(100_000));
        assert!(reading.problems.len() <= MAX_PROBLEMS && !reading.problems.is_empty(), "{noise}");
    }
    let reading = read::<Vec<u8>>(&format!("[{}]", "1,".repeat(1_500_000)));
    assert_eq!(reading.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["too-large"]);
    let many = format!("[{}]", "300,".repeat(500));
    let reading = read::<Vec<u8>>(&many);
    assert_eq!(reading.problems.len(), MAX_PROBLEMS);
    assert!(reading.more);
}

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    for text in [to_text(value).unwrap(), to_pretty(value).unwrap(), ron::to_string(value).unwrap()] {
        let back = read::<T>(&text);
        assert!(back.problems.is_empty(), "{text}\n{:#?}", back.problems);
        assert_eq!(back.value.as_ref(), Some(value), "{text}");
    }
}

#[test]
fn quantities_come_back() {
    let ms = Span::from_millis;
    let shape = |shape| Dist::Shaped(Box::new(shape));
    same(&ms(2));
    same(&Rate(12_345.678));
    same(&Ratio(0.05));
    same(&Bytes(65_536));
    same(&Bandwidth(125e6));
    same(&Count(1_000_000));
    same(&Dist::constant(ms(10)));
    same(&Some(Dist::exponential(ms(2))));
    for dist in [
        Shape::Exponential(ms(2)),
        Shape::Uniform { min: ms(1), max: ms(2) },
        Shape::Erlang { mean: ms(3), stages: 4 },
        Shape::Hyperexponential { fast: ms(1), slow: ms(2), slow_share: Ratio(0.1) },
        Shape::Mixture(vec![(0.5, Dist::constant(ms(1))), (1.5, Dist::exponential(ms(2)))]),
        Shape::Clipped { of: Dist::exponential(ms(2)), min: ms(1), max: Span::from_secs(1) },
    ] {
        same(&shape(dist));
    }
    assert_eq!(read::<Dist>("Mixture([(1, \"2ms\")])").problems, []);
    assert_eq!(read::<Dist>("\"2ms\"").value, Some(Dist::constant(ms(2))));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(Box<Value2>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Marker;

/// Everything that serde can say, nested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Value2 {
    Nothing,
    Flag(bool),
    Signed(i64),
    Unsigned(u64),
    Real(f64),
    Text(String),
    Letter(char),
    Maybe(Option<Box<Value2>>),
    Twice(Option<Option<u8>>),
    Marked(Marker),
    Wrapped(Wrapped),
    Both(Box<Value2>, Box<Value2>),
    Tuple((i8, String)),
    List(Vec<Value2>),
    Table(BTreeMap<String, Value2>),
    Numbers(BTreeMap<i32, Vec<u16>>),
    Group { name: String, inner: Box<Value2>, spare: Option<(u8, f32)> },
}

fn any_value() -> impl Strategy<Value = Value2> {
    let leaf = prop_oneof![
        Just(Value2::Nothing),
        Just(Value2::Marked(Marker)),
        any::<bool>().prop_map(Value2::Flag),
        any::<i64>().prop_map(Value2::Signed),
        any::<u64>().prop_map(Value2::Unsigned),
        any::<f64>().prop_map(Value2::Real),
        any::<String>().prop_map(Value2::Text),
        any::<char>().prop_map(Value2::Letter),
        any::<Option<Option<u8>>>().prop_map(Value2::Twice),
        any::<(i8, String)>().prop_map(Value2::Tuple),
        proptest::collection::btree_map(any::<i32>(), proptest::collection::vec(any::<u16>(), 0..3), 0..3)
            .prop_map(Value2::Numbers),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            proptest::option::of(boxed()).prop_map(Value2::Maybe),
            boxed().prop_map(|value| Value2::Wrapped(Wrapped(value))),
            (boxed(), boxed()).prop_map(|(a, b)| Value2::Both(a, b)),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value2::List),
            proptest::collection::btree_map(any::<String>(), inner.clone(), 0..4).prop_map(Value2::Table),
            (any::<String>(), boxed(), any::<Option<(u8, f32)>>()).prop_map(|(name, inner, spare)| Value2::Group {
                name,
                inner,
                spare
            }),
        ]
    })
}

/// A good text with a few bytes changed, taken out or put in.
fn mutated() -> impl Strategy<Value = String> {
    let change =
        (any::<prop::sample::Index>(), 0..3_usize, prop::sample::select(b"()[]{},:;\"'\\/*#r!=-.0aS \n".to_vec()));
    proptest::collection::vec(change, 1..6).prop_map(|changes| {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (index, how, byte) in changes {
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn sound(text: &str) {
    let reading = read::<Design>(text);
    assert!(reading.value.is_some() || !reading.problems.is_empty());
    for problem in &reading.problems {
        assert!(text.get(problem.span.clone()).is_some(), "{problem:?} is not a place in {text:?}");
        assert!(!problem.message.is_empty() && !problem.label.is_empty(), "{problem:?}");
        if let Some((span, _)) = &problem.secondary {
            assert!(text.get(span.clone()).is_some(), "{problem:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(value in any_value()) {
        same(&value);
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        sound(&text);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        sound(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_punctuation_is_survived(text in "[()\\[\\]{},:;\"'/*#r!=a0-9.\\\\ \n]{0,80}") {
        sound(&text);
    }

    #[test]
    fn a_spoilt_text_is_survived(text in mutated()) {
        sound(&text);
    }
}
