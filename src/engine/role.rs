//! What a kind of node is to others: each kind says it once, and checks, reports and drawings ask for it. The engine itself
//! does not look at it.

use super::measure::{NODE_MEASURES, NodeMeasure};

/// What a node does with the calls that come to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes no calls; issues requests, each over the first link that admits it.
    Source,
    /// Works on a call, and makes calls of its own for it, step by step.
    Service,
    /// Passes each call on over one of its links, by a policy.
    Balancer,
    /// Passes each call on over the first link that admits it, or rejects it.
    Gate,
    /// Answers with what it has, and passes the rest on to the store behind it, if there is one.
    Cache,
    /// Keeps data, and calls nobody.
    Store,
    /// Keeps messages, and hands each of them to one of its links.
    Broker,
    /// Takes no calls; changes the number of copies of what its first link leads to.
    Scaler,
}

impl Role {
    /// Whether each call that comes goes on over one link as it is.
    pub fn passes_on(self) -> bool {
        matches!(self, Role::Balancer | Role::Gate)
    }
}

/// What reports say and need to know of a node's kind.
#[derive(Clone, Copy, Debug)]
pub struct NodeKind {
    /// Its name in files.
    pub key: &'static str,
    pub role: Role,
    pub copies: Option<Copies>,
    /// What it measures besides what every node does.
    pub measures: &'static [NodeMeasure],
}

impl NodeKind {
    /// What a node of this kind measures: what every node does, and its own.
    pub fn measures(&self) -> impl Iterator<Item = &'static NodeMeasure> {
        NODE_MEASURES.iter().copied().flatten().chain(self.measures)
    }

    /// How many levels of its own it shows.
    pub fn gauges(&self) -> usize {
        self.measures.iter().filter(|measure| measure.gauge().is_some()).count()
    }
}

/// The copies that nodes of a kind have: replicas or shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// What one is called: `replica`.
    pub one: &'static str,
    /// The parameter that says how many there are.
    pub count: &'static str,
    /// What each call in progress holds: `slots`, `connections`.
    pub places: &'static str,
    /// The parameter that says how many of those a copy has.
    pub places_param: &'static str,
    /// Whether it has cores of its own besides, so that a call may hold a place and wait for a core.
    pub has_cores: bool,
}
