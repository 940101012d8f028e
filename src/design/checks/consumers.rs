//! Whether consumers are handed as much as they can handle.

use super::timeline::replicas_of;
use crate::base::{Finding, Subject};
use crate::design::Design;
use crate::kinds::{Spec, UNKNOWN_CONCURRENCY};
use std::collections::BTreeSet;

/// A queue that hands each replica fewer messages than it handles at once is the limit, and nothing else says so.
pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    for (name, node) in &design.nodes {
        let Spec::Queue(queue) = &node.kind else { continue };
        let subject = Subject::of(["nodes", name, "kind", "prefetch"]);
        if let Some(finding) = behind_balancers(design, name, queue.prefetch, &subject) {
            findings.push(finding);
            continue;
        }
        let Some(prefetch) = queue.prefetch else { continue };
        for link in design.links.iter().filter(|link| link.from == *name) {
            let Some(concurrency) = design.nodes.get(&link.to).and_then(|to| to.kind.concurrency()) else { continue };
            if prefetch < concurrency {
                let to = &link.to;
                let message = format!(
                    "each replica of `{to}` can handle {concurrency} messages at once, but `{name}` gives it no more than \
                     {prefetch}: `prefetch` limits its concurrency"
                );
                findings.push(
                    Finding::warning("low-prefetch", subject, message)
                        .with_remedy(format!("set `prefetch` to {concurrency} or more, or leave it out")),
                );
                break;
            }
        }
    }
}

/// A balancer is one consumer, however many replicas work behind it.
fn behind_balancers(design: &Design, queue: &str, prefetch: Option<u32>, subject: &Subject) -> Option<Finding> {
    let handed = prefetch.unwrap_or(UNKNOWN_CONCURRENCY);
    let balancers = design.links.iter().filter(|link| link.from == queue).map(|link| link.to.as_str());
    let (balancer, all) =
        balancers.filter_map(|to| Some((to, behind(design, to)?))).find(|(_, all)| *all > handed.into())?;
    let why = if prefetch.is_some() { "" } else { ", the default for a consumer that handles none itself" };
    let message = format!(
        "what `{balancer}` passes messages on to can handle {all} at once, but `{queue}` gives it no more than {handed}{why}: \
         `prefetch` limits the concurrency"
    );
    let finding = Finding::warning("low-prefetch", subject.clone(), message);
    Some(
        finding
            .with_remedy(format!("set `prefetch` to {all} or more, or let `{queue}` lead to the consumers themselves")),
    )
}

/// How many messages are handled at once behind a balancer or limiter, and others behind it; none if it is neither, or if
/// that is not known.
fn behind(design: &Design, name: &str) -> Option<u64> {
    let passes = |name: &str| design.nodes.get(name).is_some_and(|node| node.kind.meta().role.passes_on());
    let (mut waiting, mut seen, mut all) = (vec![name], BTreeSet::new(), 0_u64);
    if !passes(name) {
        return None;
    }
    while let Some(at) = waiting.pop() {
        if !seen.insert(at) {
            continue;
        }
        if passes(at) {
            waiting.extend(design.links.iter().filter(|link| link.from == at).map(|link| link.to.as_str()));
        } else {
            let each = design.nodes.get(at)?.kind.concurrency()?;
            // Where replicas come and go, there is one at least.
            all = all.saturating_add(u64::from(each).saturating_mul(replicas_of(design, at).unwrap_or(1)));
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use crate::base::ron;
    use crate::design::Design;

    #[test]
    fn a_prefetch_below_the_concurrency_is_told() {
        let codes = |prefetch: &str| {
            let text = format!(
                r#"(nodes: {{ "u": (kind: client()), "q": (kind: queue({prefetch})), "w": (kind: worker(concurrency: 4)) }},
                links: [(from: "u", to: "q"), (from: "q", to: "w")])"#
            );
            let design = ron::read::<Design>(&text).into_result().expect("a design");
            super::super::check(&design).iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(codes("prefetch: 3"), ["low-prefetch"]);
        assert!(codes("prefetch: 4").is_empty() && codes("").is_empty());
    }

    #[test]
    fn a_balancer_is_one_consumer() {
        let said = |prefetch: &str, behind: &str| {
            let nodes = format!(
                r#""u": (kind: client()), "q": (kind: queue({prefetch})), "l": (kind: load_balancer()), "r": (kind: rate_limiter()), "w": (kind: {behind})"#
            );
            let links = r#"(from: "u", to: "q"), (from: "q", to: "l"), (from: "l", to: "r"), (from: "r", to: "w")"#;
            super::super::testing::told(&nodes, links, "")
        };
        let silent = said("", "worker(replicas: 20, concurrency: 16)");
        assert_eq!(
            silent,
            [
                "warning low-prefetch nodes.q.kind.prefetch: what `l` passes messages on to can handle 320 at once, but `q` gives it \
              no more than 20, the default for a consumer that handles none itself: `prefetch` limits the concurrency"
            ]
        );
        assert_eq!(said("prefetch: 319", "worker(replicas: 20, concurrency: 16)").len(), 1);
        assert_eq!(said("prefetch: 320", "worker(replicas: 20, concurrency: 16)"), [""; 0]);
        assert_eq!(said("", "worker(replicas: 5, concurrency: 4)"), [""; 0]);
    }
}
