//! Figures without a variance: what takes times of infinite variance (a Pareto distribution with alpha of 2 or less), or waits
//! for it, has means that do not settle, and that no interval holds.

use crate::engine::{Mode, Place, Plan};

/// Where a design draws from a distribution of infinite variance.
#[derive(Clone, Debug, PartialEq)]
pub struct HeavyTail {
    pub place: Place,
    /// The parameter.
    pub param: String,
    pub alpha: f64,
}

/// Which figures that concerns.
#[derive(Clone, Debug, Default)]
pub(super) struct Heavy {
    pub tails: Vec<HeavyTail>,
    pub nodes: Vec<bool>,
    pub links: Vec<bool>,
    /// Any of the nodes that issue requests, and so the classes.
    pub classes: bool,
}

impl Heavy {
    /// From the places to those who wait for them, as far as no timeout or deadline bounds the wait.
    pub fn of(plan: &Plan, tails: Vec<HeavyTail>) -> Heavy {
        let (mut nodes, mut own) = (vec![false; plan.nodes.len()], vec![false; plan.links.len()]);
        for tail in &tails {
            match tail.place {
                Place::Node(node) | Place::Replica(node, _) => nodes[node.index()] = true,
                Place::Link(link) => own[link.index()] = true,
            }
        }
        let mut links = vec![false; plan.links.len()];
        // Ends: each turn but the last adds a link or a node.
        let mut grew = !tails.is_empty();
        while grew {
            grew = false;
            for (i, link) in plan.links.iter().enumerate() {
                let (config, from) = (&link.config, link.from.index());
                let bounded = config.timeout.is_some() || config.deadline.is_some();
                let heavy = (own[i] || nodes[link.to.index()]) && !bounded;
                let waits = heavy && config.mode == Mode::Sync;
                grew |= (heavy && !links[i]) || (waits && !nodes[from]);
                links[i] |= heavy;
                nodes[from] |= waits;
            }
        }
        let called = |node: usize| plan.links.iter().any(|link| link.to.index() == node);
        let classes = (0..nodes.len()).any(|node| nodes[node] && !called(node));
        Heavy { tails, nodes, links, classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{LinkId, NodeId, Span};
    use crate::engine::{LinkConfig, LinkPlan, NodePlan};

    #[test]
    fn who_waits_for_it_has_it_too_unless_a_timeout_bounds_the_wait() {
        let link = |from: u32, to: u32, timeout: Option<Span>| LinkPlan {
            name: format!("{from}->{to}"),
            from: NodeId(from),
            to: NodeId(to),
            weight: 1.0,
            mark: 0,
            when: Default::default(),
            config: LinkConfig { timeout, ..LinkConfig::default() },
        };
        let plan = Plan {
            nodes: vec![NodePlan::default(); 4],
            links: vec![link(0, 1, None), link(1, 2, None), link(3, 2, Some(Span::from_secs(1)))],
            ..Plan::default()
        };
        let tail = |place| vec![HeavyTail { place, param: "work".to_owned(), alpha: 1.5 }];
        let heavy = Heavy::of(&plan, tail(Place::Node(NodeId(2))));
        assert_eq!(
            (heavy.nodes, heavy.links, heavy.classes),
            (vec![true, true, true, false], vec![true, true, false], true)
        );
        let heavy = Heavy::of(&plan, tail(Place::Link(LinkId(2))));
        assert_eq!((heavy.nodes, heavy.links, heavy.classes), (vec![false; 4], vec![false; 3], false));
    }
}
