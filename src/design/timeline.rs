//! Interventions: what is done to a running design, and when.

use super::set_loosely;
use crate::base::{Ratio, Span};
use serde::{Deserialize, Serialize};

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
    /// A link's messages take this much longer.
    Delay(String, Span),
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

impl Action {
    /// Its number as it stands in a file, where it has one: only that can grow over a ramp.
    pub fn amount(&self) -> Option<String> {
        match self {
            Action::Set(_, text) => Some(text.clone()),
            Action::Slow(_, factor) | Action::Spike(_, factor) => Some(factor.to_string()),
            Action::Fail(_, share) | Action::Lose(_, share) => Some(share.to_string()),
            Action::Delay(_, span) => Some(span.to_string()),
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
            Action::Delay(_, span) => set_loosely(span, text)?,
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
