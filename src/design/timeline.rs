//! Interventions: what is done to a running design, and when.

use super::set_loosely;
use crate::base::units::Quantity as _;
use crate::base::{Ratio, Span};
use serde::de::{EnumAccess, Error as _, VariantAccess as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A timed change. By mouse, on the timeline of the file, or over the command line it is the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intervention {
    pub at: Span,
    /// Undone after this time; stays if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Span>,
    /// Numbers go from the old to the new value over this time, in equal steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Span>,
    #[serde(rename = "do")]
    pub action: Action,
}

/// What is done. A target is a node (`"db"`), one of its replicas (`"db#1"`, from 0), or a link (`"api->db"`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Action {
    /// Set a live parameter: `Set("api.slots", "8")`.
    Set(String, String),
    /// The process is gone with what it held; calls are refused.
    Kill(String),
    /// Gone and back again, after `lasting` and what starting takes.
    Restart(String),
    /// All that takes time at a node takes so many times as long, what is in progress too.
    Slow(String, f64),
    /// This share of answers are errors.
    Fail(String, Ratio),
    /// This share of a link's messages is lost.
    Lose(String, Ratio),
    /// A link's messages take this much longer, both ways or one: `"15ms"`, `There("15ms")`, `Back("15ms")`.
    Delay(String, Extra),
    /// No message passes between the two sets of nodes or replicas.
    Partition(Vec<String>, Vec<String>),
    /// A link's messages are held back and delivered afterwards.
    Hold(String),
    /// A process stands still: it finishes nothing, takes up nothing it waits for, and goes on afterwards where it was.
    Freeze(String),
    /// Throw away what is cached.
    Flush(String),
    /// Stop taking messages.
    Pause(String),
    /// Multiply a client's traffic.
    Spike(String, f64),
    /// End every fault of a target.
    Heal(String),
}

/// How much longer messages take, and on which way. In a file, a bare time is for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Each way, so that an answer comes later by twice as much.
    Both(Span),
    /// From the caller to the callee.
    There(Span),
    /// From the callee to the caller.
    Back(Span),
}

impl Extra {
    /// The ways that can be named.
    const WAYS: &[&str] = &["There", "Back"];

    pub fn span(self) -> Span {
        let (Extra::Both(span) | Extra::There(span) | Extra::Back(span)) = self;
        span
    }

    /// The same way, so much longer.
    #[must_use]
    pub fn of(self, span: Span) -> Extra {
        match self {
            Extra::Both(_) => Extra::Both(span),
            Extra::There(_) => Extra::There(span),
            Extra::Back(_) => Extra::Back(span),
        }
    }

    /// What is added on the way there, if that is delayed.
    pub fn there(self) -> Option<Span> {
        (!matches!(self, Extra::Back(_))).then_some(self.span())
    }

    /// What is added on the way back, if that is delayed.
    pub fn back(self) -> Option<Span> {
        (!matches!(self, Extra::There(_))).then_some(self.span())
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Extra::Both(span) => span.serialize(s),
            Extra::There(span) => s.serialize_newtype_variant("Extra", 0, "There", span),
            Extra::Back(span) => s.serialize_newtype_variant("Extra", 1, "Back", span),
        }
    }
}

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct ExtraVisitor;
        impl<'de> Visitor<'de> for ExtraVisitor {
            type Value = Extra;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as \"15ms\", or There(\"15ms\") or Back(\"15ms\") for one way")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Extra, E> {
                Span::parse(text).map(Extra::Both).map_err(E::custom)
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Extra, E> {
                Span::from_number(number).map(Extra::Both).map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Extra, E> {
                self.visit_f64(number as f64)
            }
            fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Extra, A::Error> {
                let (name, variant): (String, A::Variant) = access.variant()?;
                match name.as_str() {
                    "There" => variant.newtype_variant().map(Extra::There),
                    "Back" => variant.newtype_variant().map(Extra::Back),
                    _ => Err(A::Error::unknown_variant(&name, Extra::WAYS)),
                }
            }
        }
        d.deserialize_any(ExtraVisitor)
    }
}

impl Intervention {
    /// What its parts are, in the words of the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("at", "Time of the run at which it happens."),
        ("lasting", "How long it lasts; then it is undone. If absent it stays."),
        ("ramp", "Time over which a number moves from the old to the new value along a straight line, in 20 steps."),
        ("do", "What is done: one of the names below."),
    ];
}

impl Action {
    /// What each does, in the words of the manual: its name, an example, and what it means.
    pub const PARTS: &[(&str, &str, &str)] = &[
        (
            "Set",
            r#"Set("api.slots", "8")"#,
            "Sets a parameter that acts while running (\"node.parameter\" or \"link.parameter\"), also on what is in \
             progress. Of a link, `timeout`, `deadline`, `latency`, the `after` of a hedge and the back-off of a retry hold \
             from the next attempt or message on: what is in flight keeps those it began with. Work and service times that \
             were drawn stay.",
        ),
        (
            "Kill",
            r#"Kill("db#0")"#,
            "Stops a node or one replica: work in progress is lost and calls are refused. A link: every message is lost.",
        ),
        ("Restart", r#"Restart("api")"#, "Stops it and starts it again after `lasting` and its start-up time."),
        ("Slow", r#"Slow("db", 10)"#, "Multiplies the time that work takes by a factor."),
        ("Fail", r#"Fail("api", "20%")"#, "Answers this share of calls with an error."),
        (
            "Lose",
            r#"Lose("api->db", "1%")"#,
            "Loses this share of a link's messages, each way. Only a timeout or deadline notices.",
        ),
        (
            "Delay",
            r#"Delay("api->db", "15ms")"#,
            "Delays a link's messages by this time both ways, so that an answer comes later by twice as much. \
             There(\"15ms\") delays calls only, Back(\"15ms\") replies only.",
        ),
        (
            "Partition",
            r#"Partition(["db#0"], ["db#1", "db#2"])"#,
            "Cuts two sets of nodes or replicas off from each other: no message passes.",
        ),
        ("Hold", r#"Hold("api->db")"#, "Holds a link's messages back and delivers them when it ends."),
        (
            "Freeze",
            r#"Freeze("api#1")"#,
            "Stops work where it is; it goes on when it ends. Health checks do not see it.",
        ),
        (
            "Flush",
            r#"Flush("cache")"#,
            "Empties a cache, or fills the buckets of a rate limiter again. It is done at once.",
        ),
        ("Pause", r#"Pause("orders")"#, "Stops taking messages: of a queue that hands them out, or of a worker."),
        ("Spike", r#"Spike("users", 5)"#, "Multiplies a client's traffic by a factor."),
        ("Heal", r#"Heal("db")"#, "Ends every fault of a node, replica or link. It is done at once."),
    ];

    /// Its number as it stands in a file, where it has one: only that can grow over a ramp.
    pub fn amount(&self) -> Option<String> {
        match self {
            Action::Set(_, text) => Some(text.clone()),
            Action::Slow(_, factor) | Action::Spike(_, factor) => Some(factor.to_string()),
            Action::Fail(_, share) | Action::Lose(_, share) => Some(share.to_string()),
            Action::Delay(_, extra) => Some(extra.span().to_string()),
            _ => None,
        }
    }

    /// The same with another number.
    ///
    /// # Errors
    /// If it takes another kind of number: a sentence.
    pub fn with_amount(mut self, text: &str) -> Result<Action, String> {
        match &mut self {
            Action::Set(_, old) => text.clone_into(old),
            Action::Slow(_, factor) | Action::Spike(_, factor) => set_loosely(factor, text)?,
            Action::Fail(_, share) | Action::Lose(_, share) => set_loosely(share, text)?,
            Action::Delay(_, extra) => {
                let mut span = extra.span();
                set_loosely(&mut span, text)?;
                *extra = extra.of(span);
            }
            _ => {}
        }
        Ok(self)
    }

    /// Whether it goes on until something ends it, and is not over as soon as it is done.
    pub fn goes_on(&self) -> bool {
        !matches!(self, Action::Flush(_) | Action::Heal(_))
    }

    /// What it strikes, for findings and displays.
    pub fn targets(&self) -> Vec<&str> {
        match self {
            Action::Set(path, _) => vec![path.rsplit_once('.').map_or(path.as_str(), |(target, _)| target)],
            Action::Kill(t)
            | Action::Restart(t)
            | Action::Slow(t, _)
            | Action::Fail(t, _)
            | Action::Lose(t, _)
            | Action::Delay(t, _)
            | Action::Hold(t)
            | Action::Freeze(t)
            | Action::Flush(t)
            | Action::Pause(t)
            | Action::Spike(t, _)
            | Action::Heal(t) => vec![t],
            Action::Partition(a, b) => a.iter().chain(b).map(String::as_str).collect(),
        }
    }
}

/// A target taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    Node(&'a str),
    Replica(&'a str, u16),
    Link(&'a str),
}

impl<'a> Target<'a> {
    /// What a text means in a design, if it means anything there.
    pub fn find(design: &super::Design, text: &'a str) -> Option<Target<'a>> {
        if design.link(text).is_some() {
            return Some(Target::Link(text));
        }
        if design.nodes.contains_key(text) {
            return Some(Target::Node(text));
        }
        let (node, replica) = text.rsplit_once('#')?;
        let replica = replica.parse().ok()?;
        design.nodes.contains_key(node).then_some(Target::Replica(node, replica))
    }
}
