//! Cycles of synchronous calls: each call would wait for another one of its own kind, without end.

use crate::base::{Finding, Subject};
use crate::design::{Design, ModeSpec, WaitSpec};
use crate::kinds::Outs;
use std::collections::BTreeMap;

/// A call that comes back with a probability below this ends after a while, as in a network with feedback.
const CERTAIN: f64 = 1.0;

/// A link that cannot be is told of by another check.
fn is_possible(design: &Design, link: &crate::design::LinkSpec) -> bool {
    let meta = |name: &str| design.nodes.get(name).map(|node| node.kind.meta());
    let calls = meta(&link.from).is_none_or(|meta| meta.outs != Outs::None);
    let accepts = meta(&link.to).is_none_or(|meta| meta.accepts_calls);
    link.from != link.to && calls && accepts
}

/// Whether the link is chosen among others of its step.
fn is_one_of_several(design: &Design, i: usize) -> bool {
    let link = &design.links[i];
    let beside =
        |other: &&crate::design::LinkSpec| other.from == link.from && other.step == link.step && other.weight > 0.0;
    link.wait == WaitSpec::Choose && design.links.iter().filter(beside).count() > 1
}

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    // Links that are used by chance, or under a condition, let a call leave the cycle.
    let mut next: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for (i, link) in design.links.iter().enumerate() {
        let conditional = link.when.probability.0 < CERTAIN
            || link.calls < CERTAIN
            || is_one_of_several(design, i)
            || link.when.after_miss.is_some()
            || link.when.after_failure.is_some();
        if link.mode == ModeSpec::Sync && !conditional && is_possible(design, link) {
            next.entry(&link.from).or_default().push((&link.to, i));
        }
    }
    let mut state: BTreeMap<&str, bool> = BTreeMap::new();
    for start in design.nodes.keys() {
        if state.contains_key(start.as_str()) {
            continue;
        }
        // Depth first without recursion, because a chain may be long. `true`: on the present path.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        state.insert(start, true);
        while let Some((node, tried)) = path.last_mut() {
            let (node_name, outs) = (*node, next.get(*node));
            let Some(&(to, link)) = outs.and_then(|outs| outs.get(*tried)) else {
                state.insert(node_name, false);
                path.pop();
                continue;
            };
            *tried += 1;
            match state.get(to) {
                None => {
                    state.insert(to, true);
                    path.push((to, 0));
                }
                Some(true) => {
                    let from = path.iter().position(|(name, _)| *name == to).unwrap_or(0);
                    let mut names: Vec<&str> = path[from..].iter().map(|(name, _)| *name).collect();
                    names.push(to);
                    let message = format!("these call each other without end: {}", names.join(" -> "));
                    let subject = Subject::of(["links", &link.to_string()]);
                    findings.push(
                        Finding::error("cycle", subject, message)
                            .with_remedy("make one of the links asynchronous, or give it a `when`"),
                    );
                }
                Some(false) => {}
            }
        }
    }
}
