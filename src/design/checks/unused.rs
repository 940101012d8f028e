//! What a run never touches: nodes that no request reaches, links that no request takes, and settings of a link that its
//! caller does not look at.

use super::flow::{Flow, walks};
use crate::base::{Finding, Subject};
use crate::design::{Design, KeysSpec, LinkSpec, WaitSpec};
use crate::engine::Role;
use crate::kinds::{Group, Spec};

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let Some(flow) = Flow::of(design) else { return };
    // What a link that leads nowhere was to reach is told of with that link.
    let is_there = |name: &String| design.nodes.contains_key(name);
    let whole = design.links.iter().all(|link| is_there(&link.from) && is_there(&link.to));
    for (name, node) in &design.nodes {
        check_node(&flow, name, &node.kind, whole, findings);
    }
    for (i, link) in design.links.iter().enumerate() {
        let subject = Subject::of(["links", &i.to_string()]);
        if design.nodes.contains_key(&link.to) && flow.at(&link.from) != 0 && flow.carried(i) == 0 {
            findings.extend(never_taken(&flow, link, &subject));
        }
        check_ignored(&flow, link, &subject, findings);
    }
}

fn check_node(flow: &Flow, name: &str, kind: &Spec, whole: bool, findings: &mut Vec<Finding>) {
    let subject = Subject::of(["nodes", name]);
    let meta = kind.meta();
    if let Spec::Client(client) = kind {
        let sends = client.rate.0 > 0.0 || kind.think().is_some();
        if !sends && !flow.is_set(name, "rate") && !flow.is_set(name, "arrivals") {
            let message = format!("`{name}` sends nothing: its rate is 0, and nothing on the timeline changes it");
            let finding = Finding::warning("sends-nothing", subject.then("kind").then("rate"), message);
            findings.push(finding.with_remedy("set `rate`, or let the timeline set it"));
        }
        for (class, spec) in client.classes.iter().filter(|(_, spec)| spec.weight <= 0.0) {
            if client.classes.len() > 1 && spec.weight == 0.0 {
                let message = format!("`{name}` never sends class `{class}`: its weight is 0");
                findings.push(Finding::warning("sends-nothing", subject.then("kind").then("classes"), message));
            }
        }
    } else if whole && meta.group != Group::Control && flow.at(name) == 0 {
        let calls = |&i: &usize| {
            let from = flow.design.nodes.get(&flow.design.links[i].from);
            from.is_some_and(|node| node.kind.meta().group != Group::Control)
        };
        let message = if flow.ins(name).iter().any(calls) {
            format!("no request reaches `{name}`: none reaches a node that calls it, or none takes the link")
        } else {
            format!("nothing calls `{name}` yet: no request reaches it")
        };
        findings.push(Finding::hint("not-connected", subject, message).with_remedy("draw a link to it"));
    }
}

/// Why no request takes a link whose caller gets some.
fn never_taken(flow: &Flow, link: &LinkSpec, subject: &Subject) -> Option<Finding> {
    let from = &flow.design.nodes.get(&link.from)?.kind;
    let (caller, name) = (&link.from, link.name());
    let classes = flow.names(flow.at(caller)).join("`, `");
    let others = flow.outs(caller).iter().map(|&i| &flow.design.links[i]);
    let wanted = &link.when.classes;
    let of_no_class = !wanted.is_empty() && !wanted.iter().any(|class| flow.names(flow.at(caller)).contains(&&**class));
    let (why, remedy) = match from.meta().role {
        // More links than it can have is an error.
        Role::Cache => return None,
        _ if of_no_class => (
            format!("it is for class `{}` only, and `{caller}` gets `{classes}`", wanted.join("`, `")),
            "change its `when`, or let a client send that class".to_owned(),
        ),
        Role::Source | Role::Gate => {
            let first = others.map(LinkSpec::name).next().unwrap_or_default();
            let what = from.meta().one().replace('_', " ");
            (
                format!("{what} uses the first link that admits a request, and `{first}` admits them all"),
                "restrict the first with `when: (classes: [..])`, or put a load balancer between".to_owned(),
            )
        }
        Role::Scaler => {
            if others.take(2).any(|other| other.name() == name) {
                return None;
            }
            ("an autoscaler scales its first target and watches its second".to_owned(), "remove it".to_owned())
        }
        _ => {
            let why = flow.never(link)?;
            (why, "change its condition, or remove the link".to_owned())
        }
    };
    let message = format!("no request ever takes `{name}`: {why}");
    Some(Finding::warning("never-taken", subject.clone(), message).with_remedy(remedy))
}

/// Settings of a link that matter only where the caller makes its calls step by step.
fn check_ignored(flow: &Flow, link: &LinkSpec, subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(from) = flow.design.nodes.get(&link.from).map(|node| &node.kind) else { return };
    let mut ignored = |param: &str, why: String| {
        let message = format!("`{param}` of `{}` does nothing: {why}", link.name());
        findings.push(Finding::warning("unused", subject.then(param), message).with_remedy("leave it out"));
    };
    if walks(from) {
        let step = || {
            let outs = flow.outs(&link.from).iter().map(|&i| &flow.design.links[i]);
            outs.filter(|other| other.step == link.step)
        };
        if matches!(link.wait, WaitSpec::First | WaitSpec::Of(1)) && step().map(|l| l.calls.ceil()).sum::<f64>() <= 1.0
        {
            ignored("wait", format!("step {} of `{}` makes one call", link.step, link.from));
        }
        if link.wait == WaitSpec::Choose && step().count() == 1 {
            ignored("wait", format!("it is the only link of step {} of `{}`", link.step, link.from));
        }
        if link.wait != WaitSpec::Choose && (link.weight - 1.0).abs() > 0.0 {
            ignored("weight", "weights count where one link is chosen, with `wait: Choose`".to_owned());
        }
        if link.sequential && link.calls <= 1.0 {
            ignored("sequential", "there is one call to make".to_owned());
        }
        return;
    }
    let kind = from.meta().one().replace('_', " ");
    let plain = LinkSpec::default();
    let walked = format!("{kind} passes each call on; only services and workers make calls in steps");
    let settings = [
        ("calls", (link.calls - plain.calls).abs() > 0.0),
        ("keys", link.keys != KeysSpec::Same),
        ("sequential", link.sequential),
        ("wait", link.wait != WaitSpec::All),
        ("optional", link.optional),
    ];
    for (param, _) in settings.into_iter().filter(|(_, set)| *set) {
        ignored(param, walked.clone());
    }
    let role = from.meta().role;
    if link.when.after_miss.is_some() || link.when.after_failure.is_some() {
        ignored("when", walked.clone());
    } else if link.when.probability.0 < 1.0
        && (matches!(role, Role::Cache | Role::Broker | Role::Scaler)
            || role != Role::Balancer && flow.outs(&link.from).len() == 1)
    {
        ignored("when", format!("{kind} with one way to pass a call on takes it, whatever the probability"));
    }
    if !link.when.classes.is_empty() && matches!(role, Role::Cache | Role::Broker) {
        ignored("when", format!("{kind} passes on calls of every class"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::told;

    #[test]
    fn what_nothing_reaches_is_a_hint() {
        let nodes = r#""u": (kind: client()), "a": (kind: service()), "b": (kind: service()), "c": (kind: service())"#;
        let links = r#"(from: "u", to: "a"), (from: "b", to: "c")"#;
        let said = told(nodes, links, "");
        assert_eq!(
            said,
            [
                "hint not-connected nodes.b: nothing calls `b` yet: no request reaches it",
                "hint not-connected nodes.c: no request reaches `c`: none reaches a node that calls it, or none takes the link",
            ]
        );
        // Before there is a client, that is what is missing.
        let said = told(r#""a": (kind: service())"#, "", "");
        assert_eq!(said, ["hint no-traffic nodes: there is no client yet: nothing will happen"]);
        // A limiter that nothing calls sends nothing, so that nothing will fail.
        let said = told(
            r#""u": (kind: client()), "a": (kind: service()), "l": (kind: rate_limiter())"#,
            r#"(from: "u", to: "a")"#,
            "",
        );
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|said| said.starts_with("hint") && !said.contains("fail")), "{said:?}");
        let said = told(r#""u": (kind: client()), "l": (kind: rate_limiter())"#, r#"(from: "u", to: "l")"#, "");
        assert_eq!(
            said,
            ["warning dead-end nodes.l: `l` passes calls on, and there is no link from it: all that it gets fail"]
        );
    }

    #[test]
    fn a_link_that_no_request_takes_is_told() {
        let nodes = r#""u": (kind: client(classes: { "r": (), "w": (write: true) })), "a": (kind: service()),
            "b": (kind: service()), "d": (kind: database()), "k": (kind: cache())"#;
        let all = r#"(from: "u", to: "a"), (from: "a", to: "b"), (from: "a", to: "k"), (from: "a", to: "d")"#;
        for (link, wanted) in [
            (r#"(from: "u", to: "b", name: "x")"#, "`u->a` admits them all"),
            (r#"(from: "b", to: "d", calls: 0)"#, "`calls` is 0"),
            (r#"(from: "b", to: "d", when: (probability: 0))"#, "probability is 0"),
            (r#"(from: "a", to: "d", name: "x", step: 2, when: (after_miss: "b"))"#, "`a->b` never reports a miss"),
            (r#"(from: "a", to: "d", name: "x", step: 2, when: (after_miss: "d"))"#, "`a->d` never reports a miss"),
        ] {
            let said = told(nodes, &format!("{all}, {link}"), "");
            assert!(said.iter().any(|said| said.contains("never-taken") && said.contains(wanted)), "{link}: {said:#?}");
        }
        let first = r#"(from: "u", to: "a", when: (classes: ["r"])), (from: "u", to: "b"), (from: "a", to: "d"), (from: "a", to: "k")"#;
        let said = told(nodes, first, "");
        assert!(!said.iter().any(|said| said.contains("never-taken")), "{said:#?}");
        let said = told(nodes, &format!(r#"{first}, (from: "a", to: "b", when: (classes: ["w"]))"#), "");
        assert!(said.iter().any(|said| said.contains("is for class `w` only, and `a` gets `r`")), "{said:#?}");
    }

    #[test]
    fn a_client_that_sends_nothing_is_told() {
        let links = r#"(from: "u", to: "a")"#;
        let nodes = r#""u": (kind: client(rate: "0/s")), "a": (kind: service())"#;
        assert!(told(nodes, links, "")[0].contains("its rate is 0"));
        assert!(told(nodes, links, r#"(at: "1s", do: Set("u.rate", "9/s"))"#).is_empty());
        let never = r#""u": (kind: client(classes: { "r": (), "w": (weight: 0) })), "a": (kind: service())"#;
        assert!(told(never, links, "")[0].contains("never sends class `w`"));
    }

    #[test]
    fn settings_that_the_caller_does_not_look_at_are_told() {
        let nodes =
            r#""u": (kind: client()), "l": (kind: load_balancer()), "a": (kind: service()), "b": (kind: service())"#;
        let links = |of_u: &str, of_a: &str| {
            format!(r#"(from: "u", to: "l"{of_u}), (from: "l", to: "a"), (from: "a", to: "b"{of_a})"#)
        };
        for of_u in [
            "calls: 2",
            "keys: Spread",
            "wait: First",
            "optional: true",
            "when: (after_miss: \"l\")",
            "when: (probability: 0.5)",
        ] {
            let said = told(nodes, &links(&format!(", {of_u}"), ""), "");
            assert!(said.iter().any(|said| said.starts_with("warning unused links.0")), "{of_u}: {said:#?}");
        }
        for of_a in ["wait: First", "wait: Choose", "weight: 3", "sequential: true"] {
            let said = told(nodes, &links("", &format!(", {of_a}")), "");
            assert!(said.iter().any(|said| said.starts_with("warning unused links.2")), "{of_a}: {said:#?}");
        }
        assert_eq!(told(nodes, &links("", ", calls: 2, sequential: true, keys: Spread"), ""), [""; 0]);
    }
}
