//! The compiled, flat form of a design. It cannot be wrong: compiling it is the proof.

use super::link::{LinkConfig, When};
use crate::base::{LinkId, NodeId};
use std::ops::Range;

/// How many of the calls of a step the caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Wait {
    #[default]
    All,
    First,
    /// So many successes.
    Of(u16),
    /// Only one of the links is called, chosen by weight.
    Choose,
    /// The one that was chosen last is called once more.
    Chosen,
}

/// Links that are called side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct StepGroup {
    /// Positions in the node's `uses`.
    pub uses: Range<u32>,
    pub wait: Wait,
    /// The link, where the group is one call that is always made: the usual case, which needs none of the rest.
    pub only: Option<LinkId>,
}

impl StepGroup {
    /// A group of `uses` of the node's `all`.
    pub fn new(uses: Range<u32>, wait: Wait, all: &[LinkUse]) -> StepGroup {
        let only = match &all[uses.start as usize..uses.end as usize] {
            [one] if wait == Wait::All && one.is_unconditional() => Some(one.link),
            _ => None,
        };
        StepGroup { uses, wait, only }
    }
}

/// One use of a link in an itinerary; a link called twice in a row is used twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkUse {
    pub link: LinkId,
    pub when: When,
    /// Calls made at once: the whole part always, one more with the probability of the rest.
    pub calls: f64,
    /// Whether each call has a key of its own, made from the caller's, and how many went before in this itinerary.
    pub spread: Option<u32>,
    /// For the choice of one of several.
    pub weight: f64,
    pub asynchronous: bool,
}

impl LinkUse {
    /// Whether it is exactly one call that is waited for, for every call that its node serves.
    fn is_unconditional(&self) -> bool {
        self.when == When::default() && self.calls == 1.0 && self.spread.is_none() && !self.asynchronous
    }
}

/// A node of the plan, without its behaviour.
#[derive(Clone, Debug, Default)]
pub struct NodePlan {
    pub name: String,
    /// Outgoing links, in the order of their steps, then of the file's names.
    pub outs: Vec<LinkId>,
    pub uses: Vec<LinkUse>,
    pub steps: Vec<StepGroup>,
}

/// A link of the plan.
#[derive(Clone, Debug)]
pub struct LinkPlan {
    pub name: String,
    pub from: NodeId,
    pub to: NodeId,
    /// Share of the load where the caller chooses among links.
    pub weight: f64,
    /// Its bit in the masks of `after` conditions; 0 where no condition speaks of it.
    pub mark: u64,
    pub when: When,
    pub config: LinkConfig,
}

/// Everything that does not change while running, but by a patch.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub nodes: Vec<NodePlan>,
    pub links: Vec<LinkPlan>,
    /// Names of the request classes.
    pub classes: Vec<String>,
    pub seed: u64,
}

/// Links of one node that `after` conditions can speak of: each is a bit of a mask.
pub const MAX_AFTER: usize = 64;
/// A class is a bit of a mask.
pub const MAX_CLASSES: usize = 64;
