//! Interventions: what they strike must be there, and be of a kind that can be struck so.

use super::with_suggestion;
use crate::base::{Finding, Subject};
use crate::design::{Action, Design, Intervention, LinkSpec, Target, set_parameter};
use crate::kinds::{Group, Handle, KINDS, Param, Value};

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

/// The kinds to which something can be done.
fn kinds_with(handle: Handle) -> String {
    let keys: Vec<&str> = KINDS.iter().filter(|meta| meta.controls.contains(&handle)).map(|meta| meta.key).collect();
    format!("expected one of {}", keys.join(", "))
}

/// The replicas (or shards) that there will ever be, where the file says so.
fn replicas_of(design: &Design, name: &str) -> Option<u64> {
    let scaled = design.links.iter().any(|link| {
        link.to == name && design.nodes.get(&link.from).is_some_and(|node| node.kind.meta().group == Group::Control)
    });
    let sets = design.timeline.iter().any(|intervention| {
        matches!(&intervention.action, Action::Set(path, _)
        if path.rsplit_once('.').is_some_and(|(node, param)| node == name && ["replicas", "shards"].contains(&param)))
    });
    if scaled || sets {
        return None;
    }
    let mut found = Some(1);
    design.nodes.get(name)?.kind.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
        if ["replicas", "shards"].contains(&param.name) {
            found = value.text().parse().ok();
        }
    });
    found
}

/// The node of which this is a replica.
fn replica_node<'a>(design: &Design, target: &'a str) -> Option<&'a str> {
    match Target::find(design, target)? {
        Target::Replica(node, _) => Some(node),
        _ => None,
    }
}

/// Whether a target is unknown.
fn check_targets(design: &Design, action: &Action, subject: &Subject, findings: &mut Vec<Finding>) -> bool {
    let mut unknown = false;
    for target in action.targets() {
        if let Some(Target::Replica(node, replica)) = Target::find(design, target)
            && let Some(count) = replicas_of(design, node)
            && u64::from(replica) >= count
        {
            unknown = true;
            let message = format!("`{node}` has no replica {replica}: they are numbered from 0, and there are {count}");
            findings.push(Finding::error("no-such-target", subject.then("do"), message));
        }
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
    let takes =
        |target: &str, handle| design.nodes.get(target).is_some_and(|node| node.kind.meta().controls.contains(&handle));
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
            if !takes(target, Handle::Spike) {
                wrong(format!("`{target}` is not a client; a spike is one of traffic"));
            } else if !(0.0..=1e6).contains(factor) {
                wrong(format!("a factor is a number from 0 to a million, not {factor}"));
            }
        }
        Action::Flush(target) if !takes(target, Handle::Flush) => {
            wrong(format!("`{target}` keeps nothing that can be flushed; {}", kinds_with(Handle::Flush)));
        }
        Action::Partition(a, b) => {
            for (names, others) in [(a, b), (b, a)] {
                for (name, node) in names.iter().filter_map(|name| Some((name, replica_node(design, name)?))) {
                    let same = others.iter().any(|other| replica_node(design, other) == Some(node));
                    if !takes(node, Handle::Part) {
                        wrong(format!(
                            "the replicas of `{node}` do not talk to each other; {}",
                            kinds_with(Handle::Part)
                        ));
                    } else if !same {
                        wrong(format!(
                            "`{name}` is to be cut off from other replicas of `{node}`, and none is on the other side"
                        ));
                    }
                }
            }
        }
        Action::Pause(target) if !takes(target, Handle::Pause) => {
            wrong(format!("`{target}` takes no messages that it could stop taking; {}", kinds_with(Handle::Pause)));
        }
        _ => {}
    }
}
