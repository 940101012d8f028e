//! For tests of what a kind keeps to itself: a client and one node, without a design.

use super::{Spec, State};
use crate::base::{LinkId, NodeId, Time};
use crate::engine::{LinkConfig, LinkPlan, LinkUse, Mode, NodePlan, Plan, Sim, StepGroup, Wait, When};

/// The node that is tested.
pub const NODE: NodeId = NodeId(1);

/// A client with these parameters (in RON), and a node that it calls over such a link.
pub fn sim(client: &str, node: Spec, config: LinkConfig) -> Sim<State> {
    let client: Spec = crate::base::ron::read(client).into_result().unwrap_or_else(|problems| panic!("{problems:?}"));
    let when = When::default();
    let asynchronous = config.mode == Mode::Async;
    let uses = vec![LinkUse { link: LinkId(0), when, calls: 1.0, spread: None, weight: 1.0, asynchronous }];
    let steps = vec![StepGroup::new(0..1, Wait::All, &uses)];
    let nodes = vec![
        NodePlan { name: "client".to_owned(), outs: vec![LinkId(0)], uses, steps },
        NodePlan { name: "node".to_owned(), ..NodePlan::default() },
    ];
    let links = vec![LinkPlan {
        name: "client->node".to_owned(),
        from: NodeId(0),
        to: NODE,
        weight: 1.0,
        mark: 0,
        when,
        config,
    }];
    let classes = client.classes();
    Sim::new(Plan { nodes, links, classes, seed: 1 }, vec![client.state(), node.state()])
}

/// A time of the run, in milliseconds.
pub fn at(millis: u64) -> Time {
    Time(millis * 1_000_000)
}
