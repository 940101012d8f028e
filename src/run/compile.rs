//! From design to plan. The design has passed its checks; nothing here can go wrong.

use crate::base::{LinkId, NodeId, Span};
use crate::design::{Design, KeysSpec, LinkSpec, ModeSpec, OperationSpec, WaitSpec};
use crate::engine::{
    Fallback, Hedge, LinkConfig, LinkPlan, LinkUse, Mode, NodePlan, Operation, Plan, Pool, Retry, StepGroup, Wait,
    When, WhenAfter,
};
use crate::kinds::State;
use std::collections::BTreeMap;

/// Nodes are numbered by name, links by step and name, so that the order of lines cannot change a result.
pub fn compile(design: &Design) -> (Plan, Vec<State>) {
    let ids: BTreeMap<&str, NodeId> =
        design.nodes.keys().enumerate().map(|(i, name)| (name.as_str(), NodeId(i as u32))).collect();
    let classes = design.classes();
    let mut specs: Vec<&LinkSpec> = design.links.iter().collect();
    specs.sort_by_cached_key(|link| (link.from.clone(), link.step, link.name()));
    let mut nodes: Vec<NodePlan> =
        design.nodes.keys().map(|name| NodePlan { name: name.clone(), ..NodePlan::default() }).collect();
    let mut links = Vec::new();
    for (i, spec) in specs.iter().enumerate() {
        let (from, to) = (ids[spec.from.as_str()], ids[spec.to.as_str()]);
        nodes[from.index()].outs.push(LinkId(i as u32));
        let when = when_of(spec, &classes);
        let (weight, config) = (spec.weight, link_config(spec));
        links.push(LinkPlan { name: spec.name(), from, to, weight, mark: 0, when, config });
    }
    mark_links(&mut links, &specs);
    for node in &mut nodes {
        plan_steps(node, &specs, &links);
    }
    let states = design.nodes.values().map(|node| node.kind.state()).collect();
    (Plan { nodes, links, classes, seed: design.seed }, states)
}

fn when_of(spec: &LinkSpec, classes: &[String]) -> When {
    let mask = if spec.when.classes.is_empty() {
        u64::MAX
    } else {
        let bit = |class: &String| classes.iter().position(|other| other == class).map_or(0, |i| 1 << i);
        spec.when.classes.iter().map(bit).fold(0, |mask, bit: u64| mask | bit)
    };
    // What it comes after is known when the links are marked.
    When { classes: mask, probability: spec.when.probability.0, after: WhenAfter::Always }
}

/// Give each link that a condition speaks of a bit of its own among its node's, and the conditions those bits.
fn mark_links(links: &mut [LinkPlan], specs: &[&LinkSpec]) {
    let mut marked: BTreeMap<&str, u32> = BTreeMap::new();
    let first_of = |from: &str| specs.partition_point(|spec| spec.from.as_str() < from);
    for (i, spec) in specs.iter().enumerate() {
        let (other, after): (_, fn(u64) -> WhenAfter) = match (&spec.when.after_miss, &spec.when.after_failure) {
            (Some(other), _) => (other, WhenAfter::Miss),
            (None, Some(other)) => (other, WhenAfter::Failure),
            (None, None) => continue,
        };
        let first = first_of(&spec.from);
        let mut siblings = specs[first..].iter().take_while(|sibling| sibling.from == spec.from);
        let at = siblings.position(|sibling| sibling.name() == *other || sibling.to == *other);
        let Some(link) = at.and_then(|at| links.get_mut(first + at)) else { continue };
        if link.mark == 0 {
            let bit = marked.entry(&spec.from).or_default();
            link.mark = 1u64.checked_shl(*bit).unwrap_or(0);
            *bit += 1;
        }
        links[i].when.after = after(links[first + at.unwrap_or(0)].mark);
    }
}

/// The itinerary of a node: its links by step; a link that is to be called several times in sequence is a step for each.
fn plan_steps(node: &mut NodePlan, specs: &[&LinkSpec], links: &[LinkPlan]) {
    let outs = node.outs.clone();
    let mut i = 0;
    while i < outs.len() {
        let step = specs[outs[i].index()].step;
        let group: Vec<LinkId> =
            outs[i..].iter().copied().take_while(|link| specs[link.index()].step == step).collect();
        i += group.len();
        let first = specs[group[0].index()];
        let wait = match first.wait {
            WaitSpec::All => Wait::All,
            WaitSpec::First => Wait::First,
            WaitSpec::Of(k) => Wait::Of(k),
            WaitSpec::Choose => Wait::Choose,
        };
        let rounds = group.iter().map(|link| rounds_of(specs[link.index()])).max().unwrap_or(1);
        for round in 0..rounds {
            let start = node.uses.len() as u32;
            for &link in &group {
                let spec = specs[link.index()];
                let calls = if spec.sequential {
                    (spec.calls - f64::from(round)).clamp(0.0, 1.0)
                } else if round == 0 {
                    spec.calls
                } else {
                    0.0
                };
                if calls > 0.0 {
                    node.uses.push(LinkUse {
                        link,
                        when: links[link.index()].when,
                        calls,
                        spread: (spec.keys == KeysSpec::Spread).then_some(round),
                        weight: spec.weight,
                        asynchronous: spec.mode == ModeSpec::Async,
                    });
                }
            }
            // Calls one after the other go the way that the first was sent.
            let wait = if wait == Wait::Choose && round > 0 { Wait::Chosen } else { wait };
            node.steps.push(StepGroup::new(start..node.uses.len() as u32, wait, &node.uses));
        }
    }
}

fn rounds_of(spec: &LinkSpec) -> u32 {
    if spec.sequential { (spec.calls.ceil() as u32).max(1) } else { 1 }
}

/// A link's settings as the engine wants them.
pub fn link_config(spec: &LinkSpec) -> LinkConfig {
    LinkConfig {
        mode: match spec.mode {
            ModeSpec::Sync => Mode::Sync,
            ModeSpec::Async => Mode::Async,
        },
        operation: spec.operation.map(|operation| match operation {
            OperationSpec::Read => Operation::Read,
            OperationSpec::Write => Operation::Write,
            OperationSpec::Delete => Operation::Delete,
        }),
        latency: spec.latency.sampler(),
        latency_back: spec.latency_back.as_ref().unwrap_or(&spec.latency).sampler(),
        bandwidth: spec.bandwidth.map(|bandwidth| bandwidth.0),
        loss: spec.loss.0,
        timeout: spec.timeout,
        deadline: spec.deadline,
        propagate_deadline: spec.propagate_deadline,
        retry: spec.retry.as_ref().map(|retry| Retry {
            attempts: retry.attempts,
            backoff: retry.backoff,
            budget: retry.budget,
        }),
        hedge: spec.hedge.map(|hedge| Hedge { after: hedge.after, copies: hedge.copies }),
        breaker: spec.breaker,
        bulkhead: spec.bulkhead,
        pool: spec.pool.map(|pool| Pool {
            size: pool.size,
            acquire_timeout: pool.acquire_timeout.filter(|span| *span != Span::MAX),
            connect: pool.connect,
        }),
        fallback: spec.fallback.map(|fallback| Fallback { after: fallback.after }),
        cancel: spec.cancel,
        optional: spec.optional,
    }
}
