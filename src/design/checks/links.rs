//! Each link by itself: where it goes, and what is set on it.

use super::with_suggestion;
use crate::base::{Dist, Finding, Span, Subject};
use crate::design::{Design, LinkSpec, ModeSpec, WaitSpec};
use crate::engine::MAX_AFTER;
use crate::kinds::Spec;
use std::collections::{BTreeMap, BTreeSet};

/// So many calls of one step can be waited for.
const MOST_CALLS: u64 = 60_000;

/// So many links fit into an event.
const MOST_LINKS: usize = 100_000;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    if design.links.len() > MOST_LINKS {
        let message = format!("at most {MOST_LINKS} links fit");
        findings.push(Finding::error("too-many", Subject::of(["links"]), message));
        return;
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (i, link) in design.links.iter().enumerate() {
        let subject = Subject::of(["links", &i.to_string()]);
        check_ends(design, link, &subject, findings);
        findings.extend(link.check(&subject));
        check_policies(design, link, &subject, findings);
        if let Some(first) = names.insert(link.name(), i) {
            let message = format!("`{}` is the name of link {} already", link.name(), first + 1);
            findings.push(
                Finding::error("same-name", subject.clone(), message)
                    .with_remedy("give one of them a `name` of its own"),
            );
        }
        if design.nodes.contains_key(&link.name()) {
            findings.push(Finding::error("same-name", subject.clone(), format!("`{}` is a node", link.name())));
        }
        check_when(design, link, &subject, findings);
    }
    check_steps(design, findings);
}

fn check_ends(design: &Design, link: &LinkSpec, subject: &Subject, findings: &mut Vec<Finding>) {
    for (end, name) in [("from", &link.from), ("to", &link.to)] {
        if !design.nodes.contains_key(name) {
            let finding = Finding::error("dangling-link", subject.then(end), format!("there is no node `{name}`"));
            findings.push(with_suggestion(finding, name, design.nodes.keys().map(String::as_str)));
        }
    }
    if link.from == link.to {
        findings.push(Finding::error("self-link", subject.clone(), "a node does not call itself"));
    } else if let Some(to) = design.nodes.get(&link.to)
        && !to.kind.meta().accepts_calls
    {
        let message = format!("`{}` is {}, which takes no calls", link.to, to.kind.meta().one());
        findings.push(Finding::error("no-way-in", subject.then("to"), message));
    }
}

/// Whether a message that is lost leaves somebody waiting: the caller, or the policies of the link.
pub(super) fn waits_for_ever(design: &Design, link: &LinkSpec) -> bool {
    // A queue frees the place of what is not acknowledged in time.
    if let Some(Spec::Queue(queue)) = design.nodes.get(&link.from).map(|node| &node.kind)
        && queue.notices_losses()
    {
        return false;
    }
    let limited = link.timeout.is_some() || link.deadline.is_some() || link.propagate_deadline;
    let policies = link.retry.is_some() || link.hedge.is_some() || link.fallback.is_some();
    !limited && (link.mode == ModeSpec::Sync || policies)
}

pub(super) fn check_policies(design: &Design, link: &LinkSpec, subject: &Subject, findings: &mut Vec<Finding>) {
    for (param, limit) in [("timeout", link.timeout), ("deadline", link.deadline)] {
        if limit.is_some_and(Span::is_zero) {
            let message = format!("a {param} of 0 is over at once: every call over this link fails");
            let finding = Finding::warning("no-time", subject.then(param), message);
            findings.push(finding.with_remedy(format!("give it time, or None for no {param}")));
        }
    }
    if link.loss.0 > 0.0 && waits_for_ever(design, link) {
        let message = "messages are lost here, but no timeout or deadline notices it: callers will wait for ever";
        findings.push(Finding::warning("endless-wait", subject.clone(), message).with_remedy("set `timeout`"));
    }
    if let (Some(timeout), Some(deadline)) = (link.timeout, link.deadline)
        && timeout >= deadline
        && link.retry.is_some()
    {
        let message = format!("the deadline of {deadline} leaves no time for a second attempt of {timeout}");
        findings.push(Finding::warning("no-time-to-retry", subject.then("retry"), message));
    }
    if link.latency_back.as_ref().is_some_and(|back| *back != Dist::ZERO) && link.mode == ModeSpec::Async {
        let message = "the caller does not wait for the reply of an asynchronous call";
        findings.push(Finding::warning("unused", subject.then("latency_back"), message));
    }
}

fn check_when(design: &Design, link: &LinkSpec, subject: &Subject, findings: &mut Vec<Finding>) {
    let siblings = || design.links.iter().filter(|other| other.from == link.from);
    for (param, other) in [("after_miss", &link.when.after_miss), ("after_failure", &link.when.after_failure)] {
        let Some(other) = other else { continue };
        let found = siblings().find(|sibling| sibling.name() == *other || sibling.to == *other);
        match found {
            None => {
                let message = format!("`{}` has no link to `{other}`", link.from);
                let known: Vec<String> = siblings().map(|sibling| sibling.to.clone()).collect();
                let finding = Finding::error("bad-when", subject.then("when").then(param), message);
                findings.push(with_suggestion(finding, other, known.iter().map(String::as_str)));
            }
            Some(sibling) if sibling.step >= link.step => {
                let message =
                    format!("`{other}` is called in step {}, which is not before step {}", sibling.step, link.step);
                findings.push(Finding::error("bad-when", subject.then("when").then(param), message));
            }
            Some(_) => {}
        }
    }
}

/// Links of one step must agree on how many to wait for.
fn check_steps(design: &Design, findings: &mut Vec<Finding>) {
    let mut waits: BTreeMap<(&str, u16), WaitSpec> = BTreeMap::new();
    let mut conditions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (i, link) in design.links.iter().enumerate() {
        let subject = Subject::of(["links", &i.to_string()]);
        let wait = *waits.entry((&link.from, link.step)).or_insert(link.wait);
        if wait != link.wait {
            let message = format!("the links of step {} of `{}` wait in different ways", link.step, link.from);
            findings.push(Finding::error("bad-wait", subject.then("wait"), message));
        }
        if link.wait == WaitSpec::Of(0) {
            findings.push(Finding::error("bad-wait", subject.then("wait"), "wait for at least one"));
        }
        let after = [&link.when.after_miss, &link.when.after_failure].into_iter().flatten().map(String::as_str);
        conditions.entry(&link.from).or_default().extend(after);
    }
    check_calls(design, findings);
    for (node, after) in conditions {
        if after.len() > MAX_AFTER {
            let message = format!(
                "conditions of the links of `{node}` speak of {} of its links: at most {MAX_AFTER} fit",
                after.len()
            );
            findings.push(Finding::error("too-many", Subject::of(["nodes", node]), message));
        }
    }
}

/// How many calls a step makes: not more than can be counted, and as many as are waited for.
fn check_calls(design: &Design, findings: &mut Vec<Finding>) {
    let mut steps: BTreeMap<(&str, u16), Vec<usize>> = BTreeMap::new();
    for (i, link) in design.links.iter().enumerate() {
        steps.entry((&link.from, link.step)).or_default().push(i);
    }
    for ((node, step), members) in steps {
        let links = || members.iter().map(|&i| &design.links[i]);
        let last = members[members.len() - 1].to_string();
        let subject = Subject::of(["links", &last]);
        // What is out of range is told of by itself.
        let in_range = links().filter(|link| link.calls <= 10_000.0);
        let all: u64 = in_range.map(|link| link.calls.ceil() as u64).sum();
        if all > MOST_CALLS {
            let message = format!("step {step} of `{node}` makes up to {all} calls at once: at most {MOST_CALLS} fit");
            findings.push(Finding::error("too-many", subject.then("calls"), message));
        }
        // Calls one after the other are steps of their own, the last of them the smallest.
        let rounds = links().filter(|link| link.sequential).map(|link| link.calls.ceil() as u64).max().unwrap_or(1);
        let last_round = rounds.max(1) - 1;
        let in_last = |link: &LinkSpec| match (link.mode, link.sequential) {
            (ModeSpec::Async, _) => 0,
            (ModeSpec::Sync, true) => u64::from(link.calls > last_round as f64),
            (ModeSpec::Sync, false) if last_round > 0 => 0,
            (ModeSpec::Sync, false) => link.calls.ceil() as u64,
        };
        let waited: u64 = links().map(in_last).fold(0, u64::saturating_add);
        if let Some(WaitSpec::Of(k)) = links().next().map(|link| link.wait)
            && u64::from(k) > waited
        {
            let message = format!("it waits for {k} calls, and step {step} of `{node}` makes {waited} at once");
            findings.push(Finding::error("bad-wait", Subject::of(["links", &members[0].to_string(), "wait"]), message));
        }
    }
}
