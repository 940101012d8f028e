//! Frames: they are around nodes that there are.

use super::with_suggestion;
use crate::base::{Finding, Subject};
use crate::design::Design;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    for (i, frame) in design.frames.iter().enumerate() {
        let subject = Subject::of(["frames", &i.to_string(), "nodes"]);
        for name in frame.nodes.iter().filter(|name| !design.nodes.contains_key(*name)) {
            let finding = Finding::error("no-such-node", subject.clone(), format!("there is no node `{name}`"));
            findings.push(with_suggestion(finding, name, design.nodes.keys().map(String::as_str)));
        }
        if frame.nodes.is_empty() {
            findings.push(Finding::warning("empty-frame", subject, "a frame around nothing is not drawn"));
        }
    }
}
