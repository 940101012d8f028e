//! Expectations must speak of figures that there are.

use super::with_suggestion;
use crate::base::{Finding, Subject};
use crate::design::{CLASS_FIGURES, Design, LINK_FIGURES, LinkSpec, MetricPath, NODE_FIGURES};
use crate::engine::{REASONS, SIGNALS};

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    for (i, expectation) in design.expect.iter().enumerate() {
        let subject = Subject::of(["expect", &i.to_string()]);
        if expectation.at_least.is_none() && expectation.at_most.is_none() {
            let finding = Finding::error("no-bound", subject.clone(), "it expects nothing");
            findings.push(finding.with_remedy("add `at_least` or `at_most`"));
        }
        for (param, text) in [("that", Some(&expectation.that)), ("times", expectation.times.as_ref())] {
            let Some(text) = text else { continue };
            match MetricPath::parse(text) {
                Err(problem) => findings.push(Finding::error("bad-figure", subject.then(param), problem)),
                Ok(path) => check_path(design, &path, &subject.then(param), findings),
            }
        }
    }
}

fn check_path(design: &Design, path: &MetricPath, subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some((_, until)) = path.window
        && until > design.run.length
    {
        let message = format!("the window ends at {until}, after the end of the run");
        findings.push(Finding::error("bad-figure", subject.clone(), message));
    }
    let classes = design.classes();
    let links: Vec<String> = design.links.iter().map(LinkSpec::name).collect();
    let name = path.subject.as_deref();
    let known = match name {
        None => CLASS_FIGURES,
        Some(name) if design.nodes.contains_key(name) => NODE_FIGURES,
        Some(name) if links.iter().any(|link| link == name) => LINK_FIGURES,
        Some(name) if classes.iter().any(|class| class == name) => CLASS_FIGURES,
        Some(name) => {
            let names = design.nodes.keys().chain(&links).chain(&classes).map(String::as_str);
            let message = format!("there is no node, link or class `{name}`");
            findings.push(with_suggestion(Finding::error("bad-figure", subject.clone(), message), name, names));
            return;
        }
    };
    let reason = path.figure.strip_prefix("failed_");
    let signal = name.is_some_and(|name| design.nodes.contains_key(name))
        && SIGNALS.iter().any(|(_, signal)| *signal == path.figure);
    let figure = path.figure.as_str();
    if !known.contains(&figure) && !signal && !reason.is_some_and(|r| REASONS.iter().any(|reason| reason.name() == r)) {
        let message = format!("there is no figure `{figure}` here");
        let finding = Finding::error("bad-figure", subject.clone(), message);
        findings.push(with_suggestion(finding, figure, known.iter().copied()));
    }
}
