//! The document itself, in the shape of a scenario file.

use super::board::{BoardFrame, Sticky};
use super::expectation::Expectation;
use super::link::LinkSpec;
use super::timeline::Intervention;
use crate::base::Span;
use crate::base::units::Quantity as _;
use crate::kinds::Spec;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// The version of files that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// A design with its traffic (in the client nodes), timeline and expectations: a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Design {
    pub version: u32,
    pub title: String,
    /// The interview question that it answers.
    pub question: String,
    pub notes: String,
    pub seed: u64,
    pub run: RunSpec,
    pub nodes: BTreeMap<String, Node>,
    pub links: Vec<LinkSpec>,
    pub timeline: Vec<Intervention>,
    pub expect: Vec<Expectation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<BoardFrame>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stickies: Vec<Sticky>,
}

impl Default for Design {
    fn default() -> Self {
        Design {
            version: VERSION,
            title: String::new(),
            question: String::new(),
            notes: String::new(),
            seed: 1,
            run: RunSpec::default(),
            nodes: BTreeMap::new(),
            links: Vec::new(),
            timeline: Vec::new(),
            expect: Vec::new(),
            frames: Vec::new(),
            stickies: Vec::new(),
        }
    }
}

/// How long to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSpec {
    pub length: Span,
    pub warm_up: WarmUp,
}

impl Default for RunSpec {
    fn default() -> Self {
        RunSpec { length: Span::from_secs(60), warm_up: WarmUp::Auto }
    }
}

/// What is left out of the steady-state figures at the beginning: a time, or `Auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// Found by MSER, a quarter of the run at most; nothing where the design itself changes over time.
    Auto,
    For(Span),
}

impl Serialize for WarmUp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            WarmUp::Auto => s.serialize_unit_variant("WarmUp", 0, "Auto"),
            WarmUp::For(span) => span.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for WarmUp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct WarmUpVisitor;
        impl<'de> Visitor<'de> for WarmUpVisitor {
            type Value = WarmUp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as \"5s\", or Auto")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<WarmUp, E> {
                Span::parse(text).map(WarmUp::For).map_err(E::custom)
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<WarmUp, E> {
                Span::from_number(number).map(WarmUp::For).map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<WarmUp, E> {
                self.visit_f64(number as f64)
            }
            fn visit_enum<A: serde::de::EnumAccess<'de>>(self, access: A) -> Result<WarmUp, A::Error> {
                let (name, variant): (String, A::Variant) = access.variant()?;
                serde::de::VariantAccess::unit_variant(variant)?;
                if name == "Auto" { Ok(WarmUp::Auto) } else { Err(A::Error::unknown_variant(&name, &["Auto"])) }
            }
        }
        d.deserialize_any(WarmUpVisitor)
    }
}

/// A node of the drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub kind: Spec,
    /// Position on the board, in pixels at 100 %; laid out by itself if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<(f32, f32)>,
    /// The name shown, if it is not the node's id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

impl Design {
    /// What the sections of a file are, in the words of the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("version", "Version of the file format: 1."),
        ("title", "Shown above the board and in reports."),
        ("question", "The interview question that the design answers."),
        ("notes", "Anything else: what to look at, what was left out."),
        ("seed", "Seed of the random streams: the same seed gives the same run, bit for bit."),
        ("run", "`length` of the run, and `warm_up` that is left out of its figures: a time, or Auto."),
        ("nodes", "Name of each node with its `kind` and parameters, position (`at`) and `label`: `tailboard kinds`."),
        ("links", "Which node calls which, with policies and network: `tailboard explain link`."),
        ("timeline", "Interventions, each with its time: `tailboard explain timeline`."),
        (
            "expect",
            "Expectations: a figure (`that`) with a bound (`at_least`, `at_most`), perhaps as a multiple of another (`times`), and `why`: `tailboard explain figures`.",
        ),
        ("frames", "Frames around nodes on the board, with a title: a region, a zone."),
        ("stickies", "Notes on the board."),
    ];

    /// A link by its name.
    pub fn link(&self, name: &str) -> Option<&LinkSpec> {
        self.links.iter().find(|link| link.name() == name)
    }

    /// Every request class that some node issues, in the order of their names.
    pub fn classes(&self) -> Vec<String> {
        let all: std::collections::BTreeSet<String> =
            self.nodes.values().flat_map(|node| node.kind.classes()).collect();
        all.into_iter().collect()
    }
}
