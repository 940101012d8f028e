//! Interventions: what they strike must be there, and be of a kind that can be struck so.

use super::with_suggestion;
use crate::base::{Finding, Subject};
use crate::design::{Action, Design, Intervention, LinkSpec, Target, set_parameter};

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    for (i, intervention) in design.timeline.iter().enumerate() {
        let subject = Subject::of(["timeline", &i.to_string()]);
        if intervention.at > design.run.length {
            let message = format!("it happens at {}, after the end of the run", intervention.at);
            findings.push(Finding::warning("too-late", subject.then("at"), message));
        }
        if let (Some(ramp), Some(lasting)) = (intervention.ramp, intervention.lasting)
            && ramp > lasting
        {
            findings.push(Finding::error("bad-ramp", subject.then("ramp"), "the ramp is longer than the intervention"));
        }
        let unknown = check_targets(design, &intervention.action, &subject, findings);
        if !unknown {
            check_action(design, intervention, &subject.then("do"), findings);
        }
    }
}

/// Whether a target is unknown.
fn check_targets(design: &Design, action: &Action, subject: &Subject, findings: &mut Vec<Finding>) -> bool {
    let mut unknown = false;
    for target in action.targets() {
        if Target::find(design, target).is_none() {
            unknown = true;
            let names: Vec<String> =
                design.nodes.keys().cloned().chain(design.links.iter().map(LinkSpec::name)).collect();
            let finding =
                Finding::error("no-such-target", subject.then("do"), format!("there is no node or link `{target}`"));
            findings.push(with_suggestion(finding, target, names.iter().map(String::as_str)));
        }
    }
    unknown
}

fn check_action(design: &Design, intervention: &Intervention, subject: &Subject, findings: &mut Vec<Finding>) {
    let mut wrong = |message: String| findings.push(Finding::error("bad-action", subject.clone(), message));
    let is_link = |target: &str| matches!(Target::find(design, target), Some(Target::Link(_)));
    match &intervention.action {
        Action::Set(path, value) => match set_parameter(&mut design.clone(), path, value) {
            Err(problem) => wrong(problem),
            Ok(false) => wrong(format!("`{path}` is not a live parameter: it cannot be changed while running")),
            Ok(true) => {}
        },
        Action::Lose(target, _) | Action::Delay(target, _) | Action::Hold(target) if !is_link(target) => {
            wrong(format!("`{target}` is a node; this is done to a link such as `a->b`"));
        }
        Action::Slow(target, factor) => {
            if is_link(target) {
                wrong(format!("`{target}` is a link; use Delay"));
            } else if !(*factor > 0.0 && factor.is_finite()) {
                wrong(format!("a factor is a number above 0, not {factor}"));
            }
        }
        Action::Spike(target, factor) => {
            if design.nodes.get(target).is_none_or(|node| node.kind.meta().key != "client") {
                wrong(format!("`{target}` is not a client; a spike is one of traffic"));
            } else if !(0.0..=1e6).contains(factor) {
                wrong(format!("a factor is a number from 0 to a million, not {factor}"));
            }
        }
        Action::Flush(target) | Action::Pause(target) if !design.nodes.contains_key(target) => {
            wrong(format!("`{target}` is not a node"));
        }
        _ => {}
    }
}
