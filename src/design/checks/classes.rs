//! Request classes: those that links and nodes speak of must be issued by a client.

use super::with_suggestion;
use crate::base::{Finding, Subject};
use crate::design::Design;
use crate::engine::MAX_CLASSES;
use crate::kinds::Spec;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let classes = design.classes();
    if classes.len() > MAX_CLASSES {
        let message = format!("{} request classes; at most {MAX_CLASSES} fit", classes.len());
        findings.push(Finding::error("too-many", Subject::of(["nodes"]), message));
    }
    for (i, link) in design.links.iter().enumerate() {
        for class in &link.when.classes {
            let subject = Subject::of(["links", &i.to_string(), "when", "classes"]);
            must_be_issued(class, &classes, subject, findings);
        }
    }
    for (name, node) in &design.nodes {
        check_parameters(&node.kind, &classes, &Subject::of(["nodes", name, "kind"]), findings);
    }
}

/// The classes that a node's parameters speak of.
pub fn check_parameters(kind: &Spec, classes: &[String], subject: &Subject, findings: &mut Vec<Finding>) {
    for (param, class) in kind.speaks_of() {
        must_be_issued(&class, classes, subject.then(param), findings);
    }
}

fn must_be_issued(class: &String, classes: &[String], subject: Subject, findings: &mut Vec<Finding>) {
    if !classes.contains(class) {
        let finding = Finding::error("no-such-class", subject, format!("no client issues class `{class}`"));
        findings.push(with_suggestion(finding, class, classes.iter().map(String::as_str)));
    }
}
