//! Whether consumers are handed as much as they can handle.

use crate::base::{Finding, Subject};
use crate::design::Design;
use crate::kinds::Spec;

/// A queue that hands each replica fewer messages than it handles at once is the limit, and nothing else says so.
pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    for (name, node) in &design.nodes {
        let Spec::Queue(queue) = &node.kind else { continue };
        let Some(prefetch) = queue.prefetch else { continue };
        for link in design.links.iter().filter(|link| link.from == *name) {
            let Some(concurrency) = design.nodes.get(&link.to).and_then(|to| to.kind.concurrency()) else { continue };
            if prefetch < concurrency {
                let to = &link.to;
                let message = format!(
                    "each replica of `{to}` can handle {concurrency} messages at once, but `{name}` gives it no more than \
                     {prefetch}: `prefetch` limits its concurrency"
                );
                let subject = Subject::of(["nodes", name, "kind", "prefetch"]);
                findings.push(
                    Finding::warning("low-prefetch", subject, message)
                        .with_remedy(format!("set `prefetch` to {concurrency} or more, or leave it out")),
                );
                break;
            }
        }
    }
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
}
