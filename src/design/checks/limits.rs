//! Limits that do not fit each other: time-outs of callers and callees, connections that are opened and those that are
//! taken.

use super::flow::{Classes, Flow, settings, walks};
use crate::base::{Finding, Span, Subject};
use crate::design::{Design, LinkSpec, ModeSpec};
use crate::engine::Role;
use crate::kinds::Spec;
use crate::parts::backoff::{Growth, Jitter};
use std::collections::BTreeMap;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let Some(flow) = Flow::of(design) else { return };
    check_timeouts(&flow, findings);
    check_pools(&flow, findings);
    check_max_wait(&flow, findings);
}

/// So many levels of callees are looked at: nobody nests time-outs deeper, and cycles end.
const DEPTH: usize = 12;

/// How long a caller may wait, and which links say so: several where it calls them one after the other.
#[derive(Clone)]
struct Patience<'a> {
    longest: Span,
    parts: Vec<(&'a LinkSpec, Span)>,
}

impl<'a> Patience<'a> {
    fn of(link: &'a LinkSpec, longest: Span) -> Patience<'a> {
        Patience { longest, parts: vec![(link, longest)] }
    }
}

/// The longest that each node may wait for its callees, where anything limits that.
fn patience<'a>(flow: &Flow<'a>) -> BTreeMap<&'a str, Patience<'a>> {
    let mut known: BTreeMap<&str, Patience> = BTreeMap::new();
    for _ in 0..DEPTH {
        let mut next: BTreeMap<&str, Patience> = BTreeMap::new();
        for (name, node) in &flow.design.nodes {
            // A queue answers before its consumers do.
            if node.kind.meta().role != Role::Broker
                && let Some(longest) = of_node(flow, name, &node.kind, &known)
            {
                next.insert(name, longest);
            }
        }
        let same =
            next.len() == known.len() && next.values().zip(known.values()).all(|(new, old)| new.longest == old.longest);
        known = next;
        if same {
            break;
        }
    }
    known
}

/// The calls of one step side by side, the steps one after the other, for the class of calls that may take longest.
fn of_node<'a>(
    flow: &Flow<'a>,
    name: &str,
    kind: &Spec,
    known: &BTreeMap<&'a str, Patience<'a>>,
) -> Option<Patience<'a>> {
    let links = flow.outs(name).iter().map(|&i| (flow.carried(i), &flow.design.links[i]));
    let links = links.filter(|(_, link)| link.mode == ModeSpec::Sync);
    let waits: Vec<(Classes, &LinkSpec, Patience)> = links
        .filter_map(|(classes, link)| Some((classes, link, of_link(link, known.get(link.to.as_str()))?)))
        .collect();
    let longer = |a: Patience<'a>, b: Patience<'a>| if b.longest > a.longest { b } else { a };
    if !walks(kind) {
        return waits.into_iter().map(|(_, _, wait)| wait).reduce(longer);
    }
    let of_class = |class: Classes| {
        let mut steps: BTreeMap<u16, Patience> = BTreeMap::new();
        for (_, link, wait) in waits.iter().filter(|(classes, ..)| classes & class != 0) {
            let one = steps.remove(&link.step).map_or_else(|| wait.clone(), |other| longer(other, wait.clone()));
            steps.insert(link.step, one);
        }
        steps.into_values().reduce(|mut all, step| {
            all.longest += step.longest;
            all.parts.extend(step.parts);
            all
        })
    };
    (0..flow.classes.len()).filter_map(|bit| of_class(1 << bit)).reduce(longer)
}

/// All attempts over a link with the waits between them, unless the deadline ends them; none where nothing ends an attempt.
fn of_link<'a>(link: &'a LinkSpec, callee: Option<&Patience<'a>>) -> Option<Patience<'a>> {
    let attempts = u64::from(link.retry.as_ref().map_or(1, |retry| retry.attempts.max(1)));
    let longest = match (link.timeout, callee) {
        (Some(timeout), _) => Some(Patience::of(link, timeout * attempts + pauses(link))),
        // What the callee takes is what its own limits say.
        (None, Some(callee)) => Some(Patience { longest: callee.longest * attempts, ..callee.clone() }),
        (None, None) => None,
    };
    match (longest, link.deadline) {
        (Some(longest), Some(deadline)) if deadline < longest.longest => Some(Patience::of(link, deadline)),
        (None, Some(deadline)) => Some(Patience::of(link, deadline)),
        (longest, _) => longest,
    }
}

/// The waits between the attempts, at their longest.
fn pauses(link: &LinkSpec) -> Span {
    let Some(retry) = &link.retry else { return Span::ZERO };
    let backoff = &retry.backoff;
    let mut wait = backoff.base.0 as f64;
    let mut all = 0.0;
    for _ in 1..retry.attempts {
        let capped = if backoff.growth == Growth::Fixed { wait } else { wait.min(backoff.cap.0 as f64) };
        all += if backoff.jitter == Jitter::Decorrelated { backoff.cap.0 as f64 } else { capped };
        if backoff.growth == Growth::Exponential {
            wait *= backoff.factor;
        }
    }
    Span::from_secs_f64(all / 1e9)
}

/// A caller that gives up before its callee does: the callee goes on for nobody.
fn check_timeouts(flow: &Flow, findings: &mut Vec<Finding>) {
    let known = patience(flow);
    for (i, link) in flow.design.links.iter().enumerate() {
        let limit = [link.timeout, link.deadline].into_iter().flatten().min();
        // A callee that is told so gives up with its caller.
        let Some(limit) = limit.filter(|_| !link.cancel && link.mode == ModeSpec::Sync) else { continue };
        let Some(inner) = known.get(link.to.as_str()).filter(|inner| inner.longest > limit) else { continue };
        let propagate = inner.parts.iter().all(|(part, _)| part.propagate_deadline);
        if link.propagate_deadline && propagate && Some(limit) == link.deadline {
            continue;
        }
        let longest = inner.longest;
        let takes = match &inner.parts[..] {
            [(part, _)] => {
                let attempts = part.retry.as_ref().map_or(1, |retry| retry.attempts);
                let made = match (part.timeout, attempts) {
                    (Some(timeout), 2..) => format!(" ({attempts} attempts of {timeout}, and the waits between them)"),
                    _ => String::new(),
                };
                format!("`{}` may take {longest}{made}", part.name())
            }
            parts => {
                let each = parts.iter().map(|(part, longest)| format!("`{}` {longest}", part.name()));
                let each = each.collect::<Vec<String>>().join(", then ");
                format!("the calls that `{}` waits for may take {longest} ({each})", link.to)
            }
        };
        let message = format!(
            "time-outs do not nest: `{}` gives up after {limit}, but {takes}: its later work is for nobody",
            link.name()
        );
        let subject =
            Subject::of(["links", &i.to_string(), if link.timeout == Some(limit) { "timeout" } else { "deadline" }]);
        let remedy = format!("give the caller more than {}, or the callee less; or set `cancel: true`", inner.longest);
        findings.push(Finding::warning("timeouts-not-nested", subject, message).with_remedy(remedy));
    }
}

fn whole(settings: &BTreeMap<&str, String>, name: &str) -> Option<u64> {
    settings.get(name)?.trim_start_matches("Some(").trim_end_matches(')').parse().ok()
}

/// How many calls a store works on at once, how many more it keeps waiting (none without a limit), and what it is that
/// they hold.
fn taken(kind: &Spec) -> Option<(u64, Option<u64>, &'static str)> {
    let (meta, of) = (kind.meta(), settings(kind));
    let copies = meta.copies.filter(|_| meta.role == Role::Store)?;
    let count = whole(&of, copies.count)?;
    let quorum = of.get("replication").is_some_and(|text| text.starts_with("Quorum"));
    let serving = match of.get("reads_from").map(String::as_str) {
        Some("Primary") if !quorum => 1,
        Some("Replicas") => count.saturating_sub(1).max(1),
        _ => count,
    };
    let queue = whole(&of, "queue_limit").map(|queue| queue * serving);
    Some((whole(&of, copies.places_param)? * serving, queue, copies.places))
}

/// The pools of a store: the number of the link, replicas of its caller, and their size.
fn pools(flow: &Flow, store: &str) -> Vec<(usize, u64, u64)> {
    let pool = |&i: &usize| {
        let link = &flow.design.links[i];
        let from = settings(&flow.design.nodes.get(&link.from)?.kind);
        let replicas = flow.scaled_to(&link.from).or_else(|| whole(&from, "replicas")).unwrap_or(1);
        Some((i, replicas, u64::from(link.pool?.size)))
    };
    flow.ins(store).iter().filter_map(pool).collect()
}

/// Pools of all replicas of all callers against what the store takes.
fn check_pools(flow: &Flow, findings: &mut Vec<Finding>) {
    for (name, node) in &flow.design.nodes {
        let Some((works_on, queue, what)) = taken(&node.kind) else { continue };
        let pools = pools(flow, name);
        let opened: u64 = pools.iter().map(|(_, replicas, size)| replicas * size).sum();
        let Some((i, ..)) = pools.iter().max_by_key(|(_, replicas, size)| replicas * size) else { continue };
        if opened <= works_on {
            continue;
        }
        let takes = match queue {
            Some(0) => format!("takes {works_on} {what}: the rest is refused"),
            Some(queue) if opened > works_on + queue => {
                format!("takes {works_on} {what}, and {queue} may wait: the rest is refused")
            }
            // One pool that is larger by itself leaves all limits to the store; that several together are is easily missed.
            _ if pools.iter().any(|(_, _, size)| *size > works_on) => continue,
            _ => format!("has {works_on} {what}: calls with a connection of the pool still wait there"),
        };
        let part = |(i, replicas, size): &(usize, u64, u64)| {
            format!("{replicas} × {size} of `{}`", flow.design.links[*i].from)
        };
        let parts = pools.iter().map(part).collect::<Vec<String>>().join(" + ");
        let message =
            format!("the pools may open {opened} connections to `{name}` ({parts}: replicas × pool), which {takes}");
        let subject = Subject::of(["links", &i.to_string(), "pool"]);
        let remedy = format!("make the pools smaller, or let `{name}` take more");
        findings.push(Finding::warning("pools-too-large", subject, message).with_remedy(remedy));
    }
}

/// The size of equal pools that a store takes, if that is any.
pub fn fair_pool(design: &Design, store: &str) -> Option<u32> {
    let flow = Flow::of(design)?;
    let (most, ..) = taken(&design.nodes.get(store)?.kind)?;
    let replicas: u64 = pools(&flow, store).iter().map(|(_, replicas, _)| replicas).sum();
    u32::try_from(most / replicas.max(1)).ok().filter(|size| *size > 0)
}

/// How long the callee of a link may take, by its own limits.
pub fn needed(design: &Design, link: &str) -> Option<Span> {
    let flow = Flow::of(design)?;
    patience(&flow).get(design.link(link)?.to.as_str()).map(|inner| inner.longest)
}

/// A call may wait longer than any caller does.
fn check_max_wait(flow: &Flow, findings: &mut Vec<Finding>) {
    for (name, node) in &flow.design.nodes {
        let Spec::Service(service) = &node.kind else { continue };
        let Some(max_wait) = service.max_wait.as_ref().and_then(crate::base::Dist::as_constant) else { continue };
        let callers = flow.ins(name).iter().map(|&i| &flow.design.links[i]);
        let longest = callers.map(|link| link.timeout).try_fold(Span::ZERO, |most, timeout| Some(most.max(timeout?)));
        if let Some(longest) = longest.filter(|longest| !longest.is_zero() && max_wait >= *longest) {
            let message = format!(
                "calls may wait {max_wait} at `{name}`, but every caller gives up after {longest}: those it drops are \
                 calls that nobody waits for"
            );
            let subject = Subject::of(["nodes", name, "kind", "max_wait"]);
            let remedy = format!("set `max_wait` below {longest}");
            findings.push(Finding::warning("waits-too-long", subject, message).with_remedy(remedy));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::told;

    #[test]
    fn timeouts_of_callers_hold_those_of_callees() {
        let nodes =
            r#""u": (kind: client()), "l": (kind: load_balancer()), "a": (kind: service()), "d": (kind: database())"#;
        let said = |first: &str, second: &str| {
            let links = format!(r#"(from: "u", to: "l"{first}), (from: "l", to: "a"), (from: "a", to: "d"{second})"#);
            told(nodes, &links, "")
        };
        let inner = r#", timeout: "1s", retry: (attempts: 3, backoff: (base: "100ms", jitter: None))"#;
        assert_eq!(
            said(r#", timeout: "2s""#, inner),
            [
                "warning timeouts-not-nested links.0.timeout: time-outs do not nest: `u->l` gives up after 2s, but `a->d` may \
              take 3.3s (3 attempts of 1s, and the waits between them): its later work is for nobody"
            ]
        );
        assert_eq!(said(r#", timeout: "4s""#, inner), [""; 0]);
        assert_eq!(said(r#", timeout: "2s", cancel: true"#, inner), [""; 0]);
        assert_eq!(said(r#", timeout: "2s""#, &format!(r#"{inner}, deadline: "1500ms""#)), [""; 0]);
        assert_eq!(said(r#", deadline: "1s""#, r#", timeout: "2s""#).len(), 1);
        assert_eq!(said("", inner), [""; 0]);
    }

    #[test]
    fn timeouts_of_steps_add_up() {
        let nodes = r#""u": (kind: client(classes: { "r": (), "w": (write: true) })), "a": (kind: service()),
            "b": (kind: service()), "c": (kind: service())"#;
        let said = |limit: &str, more: &str| {
            let links = format!(
                r#"(from: "u", to: "a", timeout: "{limit}"), (from: "a", to: "b", timeout: "600ms"{more}),
                (from: "a", to: "c", step: 2, timeout: "500ms", when: (classes: ["r"]))"#
            );
            told(nodes, &links, "")
        };
        assert_eq!(
            said("1s", ""),
            [
                "warning timeouts-not-nested links.0.timeout: time-outs do not nest: `u->a` gives up after 1s, but the calls that \
              `a` waits for may take 1.1s (`a->b` 600ms, then `a->c` 500ms): its later work is for nobody"
            ]
        );
        assert_eq!(said("1100ms", ""), [""; 0]);
        // Side by side they take as long as the longest; of calls of other classes none waits for both.
        assert_eq!(said("1s", ", step: 2"), [""; 0]);
        assert_eq!(said("1s", r#", when: (classes: ["w"])"#), [""; 0]);
    }

    #[test]
    fn pools_of_all_replicas_fit_the_store() {
        let said = |replicas: u32, store: &str| {
            let nodes = format!(
                r#""u": (kind: client()), "a": (kind: service(replicas: {replicas}, slots: 32)), "b": (kind: service()), "d": (kind: {store})"#
            );
            let links = r#"(from: "u", to: "a"), (from: "a", to: "b"), (from: "a", to: "d", pool: (size: 25)),
                (from: "b", to: "d", pool: (size: 10))"#;
            told(&nodes, links, "")
        };
        let full = said(6, "database(connections: 100, queue_limit: 0)");
        assert_eq!(full.len(), 1, "{full:?}");
        assert!(full[0].contains("may open 160 connections to `d` (6 × 25 of `a` + 1 × 10 of `b`"), "{full:?}");
        assert_eq!(said(3, "database(connections: 100, queue_limit: 0)"), [""; 0]);
        // What may wait is not refused, but waits there as it would in the pool.
        for (store, wanted) in [
            ("database(connections: 100, queue_limit: 60)", "has 100 connections: calls with a connection"),
            ("database(connections: 100, queue_limit: 59)", "and 59 may wait: the rest is refused"),
        ] {
            let said = said(6, store);
            assert!(said.len() == 1 && said[0].contains(wanted), "{store}: {said:?}");
        }
        assert_eq!(said(6, "database(connections: 160)"), [""; 0]);
        assert_eq!(said(6, "database(connections: 1)"), [""; 0]);
        assert_eq!(said(6, "sharded_store(shards: 2, slots: 10, queue_limit: 0)").len(), 1);
    }

    #[test]
    fn nobody_waits_longer_than_callers_do() {
        let nodes = r#""u": (kind: client()), "a": (kind: service(max_wait: "2s"))"#;
        assert!(told(nodes, r#"(from: "u", to: "a", timeout: "1s")"#, "")[0].contains("waits-too-long"));
        assert_eq!(told(nodes, r#"(from: "u", to: "a", timeout: "3s")"#, ""), [""; 0]);
        assert_eq!(told(nodes, r#"(from: "u", to: "a")"#, ""), [""; 0]);
    }
}
