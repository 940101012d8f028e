//! Request classes: those that links and nodes speak of must be issued by a client.

use super::with_suggestion;
use crate::base::{Finding, Subject};
use crate::design::Design;
use crate::engine::MAX_CLASSES;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let classes = design.classes();
    if classes.len() > MAX_CLASSES {
        let message = format!("{} request classes; at most {MAX_CLASSES} fit", classes.len());
        findings.push(Finding::error("too-many", Subject::of(["nodes"]), message));
    }
    let mut must_be_issued = |class: &String, subject: Subject| {
        if !classes.contains(class) {
            let finding = Finding::error("no-such-class", subject, format!("no client issues class `{class}`"));
            findings.push(with_suggestion(finding, class, classes.iter().map(String::as_str)));
        }
    };
    for (i, link) in design.links.iter().enumerate() {
        for class in &link.when.classes {
            must_be_issued(class, Subject::of(["links", &i.to_string(), "when", "classes"]));
        }
    }
    for (name, node) in &design.nodes {
        for (param, class) in node.kind.speaks_of() {
            must_be_issued(&class, Subject::of(["nodes", name, "kind"]).then(param));
        }
    }
}
