//! Policies of links that can never act: each is set, and the run would be the same without it.

use super::flow::{Flow, settings, walks};
use crate::base::{Finding, Span, Subject};
use crate::design::{Action, Design, LinkSpec, ModeSpec, WaitSpec};
use crate::engine::Role;
use crate::kinds::Spec;
use crate::parts::backoff::Jitter;
use std::collections::BTreeSet;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let Some(flow) = Flow::of(design) else { return };
    let with_deadline = deadlines(&flow);
    for (i, link) in design.links.iter().enumerate() {
        let subject = Subject::of(["links", &i.to_string()]);
        let mut told = Vec::new();
        check_retry(link, &mut told);
        check_times(link, &mut told);
        check_breaker(link, &mut told);
        check_copies(&flow, link, &mut told);
        check_ends(&flow, link, &with_deadline, &mut told);
        check_connections(&flow, link, &subject, findings);
        let mut params: BTreeSet<&str> = BTreeSet::new();
        for (param, message, remedy) in told {
            // What the timeline sets may be otherwise then; and one reason is enough.
            if !flow.is_set(&link.name(), param) && params.insert(param) {
                findings.push(Finding::warning("idle-policy", subject.then(param), message).with_remedy(remedy));
            }
        }
    }
}

/// The parameter, what is wrong with it, and what to do.
type Told = Vec<(&'static str, String, String)>;

fn check_retry(link: &LinkSpec, told: &mut Told) {
    let Some(retry) = &link.retry else { return };
    let mut say = |message: String, remedy: &str| told.push(("retry", message, remedy.to_owned()));
    if retry.attempts == 1 {
        say("1 attempt is the first one: nothing is ever tried again".to_owned(), "set `attempts` to 2 or more");
    }
    if let Some(budget) = &retry.budget
        && budget.most < 1.0
    {
        let message = format!(
            "a budget that saves up {} of a retry never pays for a whole one: nothing is tried again",
            budget.most
        );
        say(message, "set `most` to 1 or more");
    }
    let jitter = matches!(retry.backoff.jitter, Jitter::Equal | Jitter::Decorrelated);
    if retry.backoff.base.is_zero() && jitter {
        let message = "with a `base` of 0 there is no wait that the jitter could spread: retries are sent at once";
        say(message.to_owned(), "set `base`");
    }
}

/// Limits that another limit always comes before.
fn check_times(link: &LinkSpec, told: &mut Told) {
    if [link.timeout, link.deadline].into_iter().flatten().any(Span::is_zero) {
        return;
    }
    let mut say = |param, message: String, remedy: String| told.push((param, message, remedy));
    if let (Some(timeout), Some(deadline)) = (link.timeout, link.deadline)
        && (timeout > deadline || timeout == deadline && link.retry.is_none())
    {
        let message = format!("the deadline of {deadline} always ends a call before the timeout of {timeout} does");
        say("timeout", message, format!("set `timeout` below {deadline}"));
    }
    let ends = [link.timeout, link.deadline].into_iter().flatten().min();
    if let (Some(hedge), Some(ends)) = (&link.hedge, ends)
        && hedge.after >= ends
    {
        let message =
            format!("no copy is ever sent: an attempt ends after {ends}, and the hedge waits {}", hedge.after);
        say("hedge", message, format!("set `after` below {ends}, at about the usual p95"));
    }
    if let (Some(wait), Some(ends)) = (link.pool.and_then(|pool| pool.acquire_timeout), ends)
        && wait >= ends
        && wait != Span::MAX
    {
        let message =
            format!("`acquire_timeout` never acts: an attempt ends after {ends}, the wait for a connection included");
        say("pool", message, format!("set `acquire_timeout` below {ends}"));
    }
}

fn check_breaker(link: &LinkSpec, told: &mut Told) {
    let Some(breaker) = &link.breaker else { return };
    let mut say = |message: String, remedy: &str| told.push(("breaker", message, remedy.to_owned()));
    match (breaker.slow_after, link.timeout) {
        (None, _) if breaker.slow_share.0 < 1.0 => {
            say("`slow_share` does nothing: without `slow_after` no call is slow".to_owned(), "set `slow_after`");
        }
        (Some(slow), Some(timeout)) if slow >= timeout => {
            let message = format!("no call is ever slow: the timeout of {timeout} ends it before `slow_after`, {slow}");
            say(message, "set `slow_after` below the timeout");
        }
        _ => {}
    }
}

/// Copies that go to the same place, limits that are never reached.
fn check_copies(flow: &Flow, link: &LinkSpec, told: &mut Told) {
    let nodes = &flow.design.nodes;
    let Some(to) = nodes.get(&link.to) else { return };
    let callee = settings(&to.kind);
    let number = |name: &str| callee.get(name).and_then(|text| text.parse::<u64>().ok());
    let copies = to.kind.meta().copies;
    // A balancer or a queue sends the copy somewhere else.
    let picks = matches!(nodes.get(&link.from).map(|node| node.kind.meta().role), Some(Role::Balancer | Role::Broker));
    let elsewhere = picks && flow.outs(&link.from).len() > 1;
    let alone = !elsewhere
        && copies.is_some_and(|copies| number(copies.count) == Some(1))
        && flow.scaled_to(&link.to).is_none()
        && !copies.is_some_and(|copies| flow.is_set(&link.to, copies.count));
    let steady = |name: &str| callee.get(name).is_none_or(|text| text.starts_with('"'));
    if link.hedge.is_some() && alone && ["work", "wait", "work_after", "read", "write"].into_iter().all(steady) {
        let message = format!(
            "the copy goes to the only replica of `{}`, where every call takes the same time: it comes no sooner, and adds load",
            link.to
        );
        told.push(("hedge", message, format!("give `{}` more replicas", link.to)));
    }
    if let (Some(bulkhead), Some(slots)) = (link.bulkhead, at_once(flow, link))
        && link.timeout.is_none()
        && bulkhead >= slots
    {
        let message =
            format!("a replica of `{}` has {slots} slots, so that a bulkhead of {bulkhead} is never full", link.from);
        told.push(("bulkhead", message, format!("set it below {slots}")));
    }
}

/// How many attempts a replica of the caller of a link has in flight over it at most, if each of its calls makes one.
fn at_once(flow: &Flow, link: &LinkSpec) -> Option<u32> {
    let slots = match &flow.design.nodes.get(&link.from)?.kind {
        Spec::Service(service) => service.station().slots,
        Spec::Worker(worker) => worker.concurrency,
        _ => return None,
    };
    let steady = !["slots", "processes", "concurrency"].into_iter().any(|param| flow.is_set(&link.from, param));
    (steady && link.mode == ModeSpec::Sync && link.calls <= 1.0 && link.hedge.is_none()).then_some(slots)
}

/// Connections that no call is there to use.
fn check_connections(flow: &Flow, link: &LinkSpec, subject: &Subject, findings: &mut Vec<Finding>) {
    let (Some(pool), Some(slots)) = (link.pool, at_once(flow, link)) else { return };
    if pool.size > slots && !flow.is_set(&link.name(), "pool") {
        let message = format!(
            "a replica of `{}` has {slots} slots, so that it uses no more than {slots} of the {} connections of its pool: the pool \
             limits nothing",
            link.from, pool.size
        );
        let finding = Finding::warning("unused-connections", subject.then("pool"), message);
        findings.push(finding.with_remedy(format!("set its `size` to {slots} or less")));
    }
}

/// What is about the end of a call that nobody waits for, or that has no end.
fn check_ends(flow: &Flow, link: &LinkSpec, with_deadline: &BTreeSet<&str>, told: &mut Told) {
    let mut say = |param, message: String, remedy: &str| told.push((param, message, remedy.to_owned()));
    if link.mode == ModeSpec::Async {
        if link.fallback.is_some() {
            say(
                "fallback",
                "nobody waits for the answer of an asynchronous call, nor for one in its place".to_owned(),
                "leave it out",
            );
        }
        if link.optional {
            say("optional", "an asynchronous call never fails its caller's".to_owned(), "leave it out");
        }
    } else if link.fallback.is_some() && link.optional {
        say(
            "optional",
            "the fallback answers every failure: none is left to be ignored".to_owned(),
            "leave one of them out",
        );
    }
    let can_have = flow.at(&link.from) == 0 || with_deadline.contains(link.from.as_str()) || link.deadline.is_some();
    if link.propagate_deadline && !can_have {
        let message = format!(
            "no call comes to `{}` with a deadline, and the link has none: there is nothing to tell",
            link.from
        );
        say("propagate_deadline", message, "set `deadline` on the link or the client, and propagate it all the way");
    }
    let given_up = |link: &LinkSpec| {
        let limits = link.timeout.is_some() || link.deadline.is_some() || link.propagate_deadline;
        limits || link.hedge.is_some() || matches!(link.wait, WaitSpec::First | WaitSpec::Of(_))
    };
    let killed = |name: &str| {
        flow.design.timeline.iter().any(|intervention| {
            let target =
                |target: &str| target == name || target.strip_prefix(name).is_some_and(|rest| rest.starts_with('#'));
            matches!(&intervention.action, Action::Kill(at) | Action::Restart(at) if target(at))
        })
    };
    if link.cancel && !given_up(link) && !killed(&link.from) {
        // A caller whose own call is cancelled, or whose wait is over, cancels too; and it fails with a call beside it.
        let told_so = flow.ins(&link.from).iter().any(|&i| flow.design.links[i].cancel);
        let beside = |&i: &usize| flow.design.links[i].step == link.step && flow.design.links[i].name() != link.name();
        let alone = !flow.outs(&link.from).iter().any(beside) && link.calls <= 1.0;
        let falls = flow.design.nodes.get(&link.from).is_some_and(|node| {
            walks(&node.kind) && settings(&node.kind).get("breakdowns").is_some_and(|text| text != "None")
        });
        if !told_so && alone && !falls {
            let message =
                format!("`{}` never gives a call up: it has no timeout, no deadline and no copies", link.name());
            say("cancel", message, "set `timeout`");
        }
    }
}

/// The nodes to which calls come with a deadline.
pub fn deadlines<'a>(flow: &Flow<'a>) -> BTreeSet<&'a str> {
    let mut waiting: Vec<&str> = Vec::new();
    for (name, node) in &flow.design.nodes {
        if let Spec::Client(client) = &node.kind
            && (client.deadline.is_some() || client.classes.values().any(|class| class.deadline.is_some()))
        {
            waiting.push(name);
        }
    }
    let links = flow.design.links.iter().filter(|link| link.propagate_deadline);
    waiting.extend(links.filter(|link| link.deadline.is_some()).map(|link| link.to.as_str()));
    let mut found = BTreeSet::new();
    while let Some(node) = waiting.pop() {
        if found.insert(node) {
            let told = flow.outs(node).iter().map(|&i| &flow.design.links[i]).filter(|link| link.propagate_deadline);
            waiting.extend(told.map(|link| link.to.as_str()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::told;

    /// What is said of a link from a service to another with these settings.
    fn said(link: &str) -> Vec<String> {
        let nodes = r#""u": (kind: client()), "a": (kind: service()), "b": (kind: service(work: "1ms"))"#;
        told(nodes, &format!(r#"(from: "u", to: "a"), (from: "a", to: "b", {link})"#), "")
    }

    #[test]
    fn policies_that_cannot_act_are_told() {
        for (link, param, part) in [
            ("retry: (attempts: 1)", "retry", "nothing is ever tried again"),
            ("retry: (budget: (most: 0.5))", "retry", "0.5 of a retry"),
            (r#"retry: (backoff: (base: "0s", jitter: Equal))"#, "retry", "no wait that the jitter"),
            (r#"timeout: "2s", deadline: "1s""#, "timeout", "deadline of 1s always ends"),
            (r#"timeout: "20ms", hedge: (after: "20ms")"#, "hedge", "no copy is ever sent"),
            (r#"deadline: "20ms", hedge: (after: "30ms")"#, "hedge", "no copy is ever sent"),
            (r#"timeout: "1s", pool: (acquire_timeout: "2s")"#, "pool", "`acquire_timeout` never acts"),
            ("breaker: (slow_share: 0.5)", "breaker", "without `slow_after` no call is slow"),
            (r#"timeout: "1s", breaker: (slow_after: "1s")"#, "breaker", "no call is ever slow"),
            (r#"hedge: (after: "5ms")"#, "hedge", "the only replica of `b`"),
            ("bulkhead: 16", "bulkhead", "16 slots"),
            ("mode: Async, fallback: ()", "fallback", "nobody waits"),
            ("mode: Async, optional: true", "optional", "never fails"),
            (r#"fallback: (), optional: true"#, "optional", "none is left"),
            ("propagate_deadline: true", "propagate_deadline", "nothing to tell"),
            ("cancel: true", "cancel", "never gives a call up"),
        ] {
            let said = said(link);
            let wanted = format!("warning idle-policy links.1.{param}: ");
            assert!(said.len() == 1 && said[0].starts_with(&wanted) && said[0].contains(part), "{link}: {said:#?}");
        }
    }

    #[test]
    fn connections_beyond_the_slots_are_told() {
        assert_eq!(
            said("pool: (size: 17)"),
            [
                "warning unused-connections links.1.pool: a replica of `a` has 16 slots, so that it uses no more than 16 of the 17 \
              connections of its pool: the pool limits nothing"
            ]
        );
        for link in ["pool: (size: 16)", "pool: (size: 17), calls: 2", r#"pool: (size: 17), hedge: (after: "1ms")"#] {
            assert!(!said(link).iter().any(|said| said.contains("unused-connections")), "{link}");
        }
        let nodes = |kind: &str| format!(r#""u": (kind: client()), "a": (kind: {kind}), "b": (kind: service())"#);
        let links = r#"(from: "u", to: "a"), (from: "a", to: "b", pool: (size: 5), bulkhead: 4)"#;
        assert_eq!(told(&nodes("worker(concurrency: 4)"), links, "").len(), 2);
        let set = r#"(at: "1s", do: Set("a.concurrency", "9"))"#;
        assert_eq!(told(&nodes("worker(concurrency: 4)"), links, set), [""; 0]);
    }

    #[test]
    fn a_balancer_sends_the_copy_elsewhere() {
        let nodes = r#""u": (kind: client()), "lb": (kind: load_balancer()), "a": (kind: service(work: "1ms")), "b": (kind: service(work: "1ms"))"#;
        let hedged = r#"(from: "lb", to: "a", hedge: (after: "5ms")), (from: "lb", to: "b", hedge: (after: "5ms"))"#;
        assert_eq!(told(nodes, &format!(r#"(from: "u", to: "lb"), {hedged}"#), ""), [""; 0]);
    }

    #[test]
    fn policies_that_can_act_are_not() {
        for link in [
            "retry: (attempts: 2, budget: (most: 1))",
            r#"retry: (backoff: (base: "0s"))"#,
            r#"timeout: "1s", deadline: "2s""#,
            r#"timeout: "2s", pool: (acquire_timeout: "1s")"#,
            r#"timeout: "2s", breaker: (slow_after: "1s", slow_share: 0.5)"#,
            "bulkhead: 15",
            "fallback: ()",
            "optional: true",
            r#"deadline: "1s", propagate_deadline: true"#,
            r#"timeout: "1s", cancel: true"#,
        ] {
            assert_eq!(said(link), [""; 0], "{link}");
        }
        let nodes = |work: &str, replicas: u32| {
            format!(
                r#""u": (kind: client()), "a": (kind: service()), "b": (kind: service(work: {work}, replicas: {replicas}))"#
            )
        };
        let links = r#"(from: "u", to: "a"), (from: "a", to: "b", hedge: (after: "5ms"))"#;
        assert_eq!(told(&nodes(r#"Exponential("2ms")"#, 1), links, ""), [""; 0]);
        assert_eq!(told(&nodes(r#""2ms""#, 2), links, ""), [""; 0]);
        // A deadline comes with the calls of the client, as far as it is passed on.
        let nodes = r#""u": (kind: client(deadline: "1s")), "a": (kind: service()), "b": (kind: service())"#;
        let links =
            |first: &str| format!(r#"(from: "u", to: "a"{first}), (from: "a", to: "b", propagate_deadline: true)"#);
        assert_eq!(told(nodes, &links(", propagate_deadline: true"), ""), [""; 0]);
        assert_eq!(told(nodes, &links(""), "").len(), 1);
    }
}
