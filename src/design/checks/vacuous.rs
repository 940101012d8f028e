//! Figures that no run of this design can tell anything about: what a kind does not count is 0 or nothing for ever, and an
//! expectation on it always holds, or never.

use super::flow::{Flow, settings};
use crate::design::{Design, LinkSpec, MetricPath, Of, figures_of};
use crate::engine::{REASONS, Reason, Role};
use crate::kinds::{Group, KINDS, Meta, Spec};
use std::collections::BTreeSet;

/// What is wrong with a figure, and what to do.
type Problem = (String, String);

/// Why a figure that is known would be 0 or nothing in every run, if it would.
pub fn problem(design: &Design, path: &MetricPath) -> Option<Problem> {
    let (subject, name) = (path.subject.as_deref(), path.figure.as_str());
    if let Some((subject, node)) = subject.and_then(|subject| Some((subject, design.nodes.get(subject)?)))
        && let Some(problem) = of_kind(design, subject, &node.kind, name)
    {
        return Some(problem);
    }
    // What cannot be followed is told by the checks of links and classes.
    let flow = Flow::of(design)?;
    let part = Part::of(&flow, subject)?;
    if name == "stale_share" && !part.nodes.iter().any(|node| has(flow.design, node, "stale_share")) {
        let message = "no store that these requests reach checks versions: no answer can be stale".to_owned();
        return Some((message, "leave it out; the answers of a `database` can be stale".to_owned()));
    }
    let reason = REASONS.iter().find(|reason| name.strip_prefix("failed_") == Some(reason.name()))?;
    let source = part.missing_source(&flow, *reason)?;
    let of = subject.map_or("a request".to_owned(), |subject| format!("`{subject}`"));
    let message = format!("no call of {of} can fail for the reason `{}`: {source}", reason.name());
    Some((message, "leave it out, or set what can fail in this way".to_owned()))
}

fn has(design: &Design, node: &str, measure: &str) -> bool {
    design.nodes.get(node).is_some_and(|node| node.kind.meta().has_measure(measure))
}

/// Why a kind has no such figure.
fn of_kind(design: &Design, subject: &str, kind: &Spec, name: &str) -> Option<Problem> {
    let meta = kind.meta();
    let title = meta.title.to_lowercase();
    let own = |meta: &Meta| meta.measures.iter().find(|measure| measure.name == name).copied();
    let counts = |meta: &Meta| own(meta).is_some_and(|measure| measure.counter().is_some());
    if own(meta).is_none() && KINDS.iter().any(counts) {
        let by = KINDS.iter().filter(|meta| counts(meta)).map(|meta| format!("`{}`", meta.key));
        let by = by.collect::<Vec<_>>().join(", ");
        let counters = meta.measures.iter().filter(|measure| measure.counter().is_some());
        let counted: Vec<&str> = counters.map(|measure| measure.name).collect();
        let remedy = match counted.is_empty() {
            true => format!("leave it out; `{name}` is counted by {by}"),
            false => format!("`{subject}` counts {}; `{name}` is counted by {by}", counted.join(", ")),
        };
        return Some((
            format!("a node of the kind {title} does not count `{name}`: the figure would be 0 in every run"),
            remedy,
        ));
    }
    if has_figure(meta, name) {
        return None;
    }
    let message = format!("a node of the kind {title} has no `{name}`: no run can tell it");
    let remedy = match meta.role {
        Role::Source if figures_of(Of::Requests).iter().any(|figure| figure.name == name) => {
            let classes = design.nodes.get(subject).map_or(Vec::new(), |node| node.kind.classes());
            let classes: Vec<String> = classes.iter().map(|class| format!("`{class}.{name}`")).collect();
            format!("a client takes no calls: `{name}` is of all requests, {} of a class", classes.join(", "))
        }
        Role::Source => "a client takes no calls: name the node or link that does".to_owned(),
        _ if meta.group == Group::Control => "it takes no calls: name the node that it scales".to_owned(),
        _ => "name a node of a kind that has it".to_owned(),
    };
    Some((message, remedy))
}

/// Whether a node of a kind can have a figure at all.
fn has_figure(meta: &Meta, name: &str) -> bool {
    // What has slots and cores, and may have several copies.
    let (is_station, is_broker) = (meta.copies.is_some(), meta.role == Role::Broker);
    match name {
        _ if meta.has_measure(name) => true,
        // Its requests in flight, and those that it failed to send.
        _ if meta.role == Role::Source => name == "busy",
        _ if meta.group == Group::Control => false,
        // Of other kinds.
        _ if KINDS.iter().any(|kind| kind.has_measure(name)) => false,
        "utilization" | "core_utilization" | "slots" => is_station,
        "hottest_share" | "hottest_utilization" => is_station || is_broker,
        _ => true,
    }
}

/// The part of a design in which the calls of a subject can fail.
struct Part<'a> {
    nodes: BTreeSet<&'a str>,
    links: BTreeSet<usize>,
}

impl<'a> Part<'a> {
    /// All that can be reached from a node, over a link, or by a class or by all requests.
    fn of(flow: &Flow<'a>, subject: Option<&str>) -> Option<Part<'a>> {
        let design = flow.design;
        let mut part = Part { nodes: BTreeSet::new(), links: BTreeSet::new() };
        let mut waiting: Vec<&str> = match subject.and_then(|name| Some((name, design.nodes.get_key_value(name)?.0))) {
            Some((_, node)) => vec![node],
            None => match subject.and_then(|name| design.links.iter().position(|link| link.name() == name)) {
                Some(link) => {
                    part.links.insert(link);
                    vec![&design.links[link].to]
                }
                None => {
                    let issues = |kind: &Spec| match subject {
                        None => !kind.classes().is_empty(),
                        Some(class) => kind.classes().iter().any(|other| other == class),
                    };
                    design.nodes.iter().filter(|(_, node)| issues(&node.kind)).map(|(name, _)| name.as_str()).collect()
                }
            },
        };
        while let Some(node) = waiting.pop() {
            if part.nodes.insert(node) {
                for &i in flow.outs(node) {
                    part.links.insert(i);
                    waiting.push(&design.links[i].to);
                }
            }
        }
        Some(part).filter(|part| !part.nodes.is_empty())
    }

    /// What would have to be there for a call to fail for a reason, where it is nowhere. Reasons with several sources, or
    /// with one that is everywhere, may always come.
    fn missing_source(&self, flow: &Flow, reason: Reason) -> Option<String> {
        let has = |is: &dyn Fn(&Meta) -> bool| {
            self.nodes.iter().any(|node| flow.design.nodes.get(*node).is_some_and(|node| is(node.kind.meta())))
        };
        let on_link = |param: &str, is_set: fn(&LinkSpec) -> bool| {
            self.links.iter().any(|&i| {
                let link = &flow.design.links[i];
                is_set(link) || flow.is_set(&link.name(), param)
            })
        };
        let at_node = |param: &str| {
            self.nodes.iter().any(|name| {
                let Some(node) = flow.design.nodes.get(*name) else { return false };
                flow.is_set(name, param) || settings(&node.kind).get(param).is_some_and(|value| value != "None")
            })
        };
        let no_link = |what: &str| Some(format!("none of its links has a `{what}`"));
        match reason {
            Reason::BreakerOpen if !on_link("breaker", |link| link.breaker.is_some()) => no_link("breaker"),
            Reason::BulkheadFull if !on_link("bulkhead", |link| link.bulkhead.is_some()) => no_link("bulkhead"),
            Reason::PoolExhausted if !on_link("pool", |link| link.pool.is_some()) => no_link("pool"),
            Reason::Timeout if !on_link("timeout", |link| link.timeout.is_some()) && !at_node("max_wait") => {
                Some("none of its links has a `timeout`, and no node a `max_wait`".to_owned())
            }
            Reason::RateLimited if !has(&|meta| meta.role == Role::Gate) => {
                Some("there is no rate limiter on its way".to_owned())
            }
            Reason::NoQuorum if !has(&|meta| meta.has_measure("stale_share")) => {
                Some("there is no database on its way".to_owned())
            }
            Reason::Shed if !at_node("codel") => Some("no node on its way has `codel`".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    const NODES: &str = r#""u": (kind: client(classes: {"r": ()})), "s": (kind: service()), "db": (kind: database()),
        "v": (kind: client(classes: {"x": ()})), "t": (kind: service(max_wait: "1s", codel: (target: "5ms", interval: "100ms"))), "lb": (kind: load_balancer()),
        "sc": (kind: autoscaler()), "c": (kind: cache())"#;
    const LINKS: &str = r#"(from: "u", to: "s", timeout: "1s"), (from: "s", to: "db", breaker: ()), (from: "v", to: "lb"),
        (from: "lb", to: "t"), (from: "sc", to: "s"), (from: "t", to: "c", bulkhead: 5, name: "tc")"#;

    fn told(figure: &str, timeline: &str) -> Option<String> {
        let path = MetricPath::parse(figure).expect("a figure");
        problem(&testing::design(NODES, LINKS, timeline), &path).map(|(message, remedy)| format!("{message}; {remedy}"))
    }

    #[test]
    fn what_would_be_nothing_in_every_run_is_told() {
        for (figure, part) in [
            ("x.stale_share", "no answer can be stale"),
            ("v->lb.failed_breaker_open", "no call of `v->lb` can fail for the reason `breaker_open`"),
            ("db.failed_breaker_open", "none of its links has a `breaker`"),
            ("u->s.failed_bulkhead_full", "none of its links has a `bulkhead`"),
            ("failed_pool_exhausted", "no call of a request can fail"),
            ("failed_rate_limited", "no rate limiter"),
            ("s.failed_timeout", "no node a `max_wait`"),
            ("x.failed_no_quorum", "no database"),
            ("r.failed_shed", "`codel`"),
            (
                "s.moved_keys",
                "does not count `moved_keys`: the figure would be 0 in every run; `s` counts started, stopped",
            ),
            ("lb.hits", "counted by `cache`"),
            ("u.p99", "`p99` is of all requests, `r.p99` of a class"),
            ("u.arrivals", "a client takes no calls"),
            ("sc.p99", "name the node that it scales"),
            ("s.hit_ratio", "no run can tell it"),
            ("lb.utilization", "no run can tell it"),
            ("c.stale_share", "no run can tell it"),
        ] {
            let told = told(figure, "").unwrap_or_else(|| panic!("{figure} is not told"));
            assert!(told.contains(part), "{figure}: {told}");
        }
    }

    #[test]
    fn what_may_come_is_not_told() {
        let may = ["stale_share", "r.stale_share", "db.stale_share", "s.failed_breaker_open", "failed_breaker_open"];
        let also = [
            "tc.failed_bulkhead_full",
            "failed_timeout",
            "x.failed_timeout",
            "t.failed_shed",
            "failed_error",
            "u.busy",
        ];
        let more =
            ["r.failed_no_quorum", "sc.started", "c.hits", "db.lag_p99", "t.utilization", "lb.queue", "failed_share"];
        for figure in may.into_iter().chain(also).chain(more) {
            assert_eq!(told(figure, ""), None, "{figure}");
        }
        let set = r#"(at: "1s", do: Set("v->lb.breaker", "()"))"#;
        assert_eq!(told("x.failed_breaker_open", set), None);
    }
}
