//! Each node by itself.

use crate::base::{Finding, Subject};
use crate::design::Design;
use crate::engine::Role;
use crate::kinds::{Handle, Outs};
use std::collections::BTreeMap;

/// So many nodes are more than anybody draws, and fit into an event.
const MOST_NODES: usize = 20_000;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let root = Subject::of(["nodes"]);
    if design.nodes.is_empty() {
        findings.push(Finding::error("empty", root.clone(), "a design needs at least one node"));
        return;
    }
    if design.nodes.len() > MOST_NODES {
        findings.push(Finding::error("too-many", root, format!("at most {MOST_NODES} nodes fit")));
        return;
    }
    if !design.nodes.values().any(|node| node.kind.meta().role == Role::Source) {
        let finding = Finding::hint("no-traffic", root.clone(), "there is no client yet: nothing will happen");
        findings.push(finding.with_remedy("add a node of kind client and a link from it"));
    }
    let mut outs: BTreeMap<&str, usize> = BTreeMap::new();
    design.links.iter().for_each(|link| *outs.entry(&link.from).or_default() += 1);
    for (name, node) in &design.nodes {
        let subject = root.then(name);
        if name.is_empty() || name.contains(['.', '#', '@', '>']) || name.trim() != name {
            let message = format!("`{name}` is not a name: it must not be empty or contain `.`, `#`, `@` or `>`");
            findings.push(Finding::error("bad-name", subject.clone(), message));
        }
        if node.at.is_some_and(|(x, y)| !(x.abs() < 1e7 && y.abs() < 1e7)) {
            findings.push(Finding::error(
                "bad-position",
                subject.then("at"),
                "a position is two numbers below 10 million",
            ));
        }
        findings.extend(node.kind.check(&subject.then("kind")));
        check_outs(design, name, outs.get(name.as_str()).copied().unwrap_or(0), findings);
        if node.kind.meta().role == Role::Scaler {
            check_scaled(design, name, findings);
        }
    }
}

/// An autoscaler's first link leads to something with replicas that can be changed.
fn check_scaled(design: &Design, name: &str, findings: &mut Vec<Finding>) {
    let outs = design.links.iter().filter(|link| link.from == name);
    let Some(first) = outs.min_by_key(|link| (link.step, link.name())) else { return };
    let Some(scaled) = design.nodes.get(&first.to).map(|node| node.kind.meta()) else { return };
    if !scaled.controls.contains(&Handle::Scale) {
        let message = format!("`{}` is what is to be scaled, but {} cannot be", first.to, scaled.one());
        let remedy = "give the link to what is to be scaled the lowest step; the second link is what is watched";
        findings.push(Finding::error("not-scalable", Subject::of(["nodes", name]), message).with_remedy(remedy));
    }
}

/// How many links lead out of a node, against what its kind can use.
fn check_outs(design: &Design, name: &str, outs: usize, findings: &mut Vec<Finding>) {
    let meta = design.nodes[name].kind.meta();
    let subject = Subject::of(["nodes", name]);
    match meta.outs {
        Outs::None if outs > 0 => {
            findings.push(Finding::error("no-way-out", subject, format!("{} calls nobody", meta.one())));
        }
        Outs::One if outs > 1 => {
            findings.push(Finding::error("one-way-out", subject, format!("{} calls one node, not {outs}", meta.one())));
        }
        Outs::Some if outs == 0 => {
            let is_called = design.links.iter().any(|link| link.to == name);
            let finding = match meta.role {
                Role::Source => {
                    Finding::hint("dead-end", subject, format!("`{name}` has no link yet: it calls nothing"))
                }
                Role::Broker if is_called => {
                    let message = format!("`{name}` has no consumer: its messages pile up");
                    Finding::warning("dead-end", subject, message)
                }
                // What it is for is to be drawn; what calls it is told that it takes no calls.
                Role::Scaler => {
                    Finding::hint("dead-end", subject, format!("`{name}` scales nothing yet: there is no link from it"))
                }
                _ if is_called => {
                    let message =
                        format!("`{name}` passes calls on, and there is no link from it: all that it gets fail");
                    Finding::warning("dead-end", subject, message)
                }
                _ => Finding::hint("dead-end", subject, format!("there is no link from `{name}` yet")),
            };
            findings.push(finding.with_remedy("draw a link from it"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::told;
    use crate::kinds::KINDS;

    #[test]
    fn an_autoscaler_passes_no_calls_on() {
        let nodes = r#""u": (kind: client()), "a": (kind: service()), "s": (kind: autoscaler())"#;
        let said = told(nodes, r#"(from: "u", to: "a"), (from: "a", to: "s")"#, "");
        assert_eq!(
            said,
            [
                "error no-way-in links.1.to: `s` is an autoscaler, which takes no calls",
                "hint dead-end nodes.s: `s` scales nothing yet: there is no link from it",
            ]
        );
    }

    #[test]
    fn kinds_have_their_article() {
        for meta in KINDS {
            let vowel = meta.key.starts_with(['a', 'e', 'i', 'o', 'u']);
            assert!(meta.one().starts_with(if vowel { "an " } else { "a " }), "{}", meta.one());
        }
        let nodes = r#""u": (kind: client()), "a": (kind: service()), "s": (kind: autoscaler())"#;
        let said =
            told(nodes, r#"(from: "u", to: "a"), (from: "s", to: "a", calls: 2)"#, r#"(at: "1s", do: Kill("s"))"#);
        assert_eq!(said.iter().filter(|said| said.contains("an autoscaler")).count(), 2, "{said:#?}");
        assert!(!said.iter().any(|said| said.contains(" a autoscaler")), "{said:#?}");
    }
}
