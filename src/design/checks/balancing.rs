//! What chooses among links or targets: weights that nothing reads or that leave nothing to choose, and an ejection that may
//! eject nothing.

use super::timeline::replicas_of;
use crate::base::{Finding, Subject};
use crate::design::{Design, LinkSpec, WaitSpec};
use crate::kinds::Spec;
use std::collections::BTreeMap;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    check_weights(design, findings);
    for (name, node) in &design.nodes {
        let Spec::LoadBalancer(spec) = &node.kind else { continue };
        let Some(ejection) = spec.ejection else { continue };
        let targets = design.links.iter().filter(|link| link.from == *name).map(|link| replicas_of(design, &link.to));
        // Where their number changes while running, nothing can be said.
        let Some(targets) = targets.sum::<Option<u64>>() else { continue };
        if targets > 0 && ejection.most.0 * (targets as f64) < 1.0 {
            let message = format!(
                "at most {:.0} % of {targets} target{} may be ejected, which is less than one: nothing is ever ejected",
                100.0 * ejection.most.0,
                if targets == 1 { "" } else { "s" }
            );
            let remedy = format!(
                "set `most` to {} % or more (gRPC always allows one host, Envoy only with `always_eject_one_host`)",
                100_u64.div_ceil(targets)
            );
            let subject = Subject::of(["nodes", name, "kind", "ejection"]);
            findings.push(Finding::warning("ejects-nothing", subject, message).with_remedy(remedy));
        }
    }
}

/// A weight is read by balancers, and by the steps of an itinerary that choose one link.
fn check_weights(design: &Design, findings: &mut Vec<Finding>) {
    let balances = |link: &LinkSpec| matches!(design.nodes.get(&link.from), Some(node) if matches!(node.kind, Spec::LoadBalancer(_)));
    let mut choices: BTreeMap<(&str, Option<u16>), Vec<usize>> = BTreeMap::new();
    for (i, link) in design.links.iter().enumerate() {
        if balances(link) {
            choices.entry((&link.from, None)).or_default().push(i);
        } else if link.wait == WaitSpec::Choose && walks(design, &link.from) {
            choices.entry((&link.from, Some(link.step))).or_default().push(i);
        } else if link.weight != LinkSpec::default().weight {
            let message = format!("`{}` does not choose among its links here: the weight changes nothing", link.from);
            let subject = Subject::of(["links", &i.to_string(), "weight"]);
            let finding = Finding::warning("unused", subject, message);
            findings.push(if walks(design, &link.from) {
                finding.with_remedy("give the links of this step `wait: Choose` to call one of them, by weight")
            } else {
                finding.with_remedy("remove it, or put a load balancer in between")
            });
        }
    }
    for ((node, step), members) in choices {
        if members.iter().any(|&i| design.links[i].weight != 0.0) {
            continue;
        }
        let subject = Subject::of(["links", &members[0].to_string(), "weight"]);
        let message = match step {
            None => format!("all links of `{node}` have weight 0: they are treated as equal"),
            Some(step) => format!("all links of step {step} of `{node}` have weight 0: none of them is ever called"),
        };
        findings
            .push(Finding::warning("no-weight", subject, message).with_remedy("give at least one a weight above 0"));
    }
}

/// Whether a node calls its links step by step.
pub(super) fn walks(design: &Design, name: &str) -> bool {
    design.nodes.get(name).is_some_and(|node| matches!(node.kind, Spec::Service(_) | Spec::Worker(_)))
}
