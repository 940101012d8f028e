//! Interventions: what they strike must be there, and be of a kind that can be struck so.

use super::{classes, cycles, links, with_suggestion};
use crate::base::{Finding, Span, Subject};
use crate::design::{Action, Design, Intervention, LinkSpec, Target, parameter_text, set_parameter};
use crate::kinds::params::magnitude;
use crate::kinds::{Group, Handle, KINDS, Spec};
use std::collections::BTreeSet;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    // A link whose messages get lost from the start is told of by itself.
    let mut losing: BTreeSet<String> =
        design.links.iter().filter(|link| link.loss.0 > 0.0).map(LinkSpec::name).collect();
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
            check_duration(intervention, &subject, findings);
            check_ramp(design, intervention, &subject, findings);
            check_losses(design, &intervention.action, &subject.then("do"), &mut losing, findings);
        }
    }
    check_settings(design, findings);
}

/// A parameter that the timeline sets, from when until when.
struct Setting<'a> {
    number: usize,
    path: &'a str,
    text: &'a str,
    from: Span,
    until: Span,
}

/// What the timeline makes of a node or link must be as sound as what the file says, whenever something is set or goes
/// back.
fn check_settings(design: &Design, findings: &mut Vec<Finding>) {
    let mut settings: Vec<Setting> = Vec::new();
    for (number, intervention) in design.timeline.iter().enumerate() {
        // What cannot be set is told of already, and not set in a run either.
        if let Action::Set(path, text) = &intervention.action
            && set_parameter(&mut design.clone(), path, text) == Ok(true)
        {
            let from = intervention.at;
            let until = intervention.lasting.map_or(Span::MAX, |lasting| from + lasting);
            settings.push(Setting { number, path, text, from, until });
        }
    }
    settings.sort_by_key(|setting| setting.from);
    for setting in &settings {
        let Some((target, _)) = setting.path.rsplit_once('.') else { continue };
        let of_target = |other: &&Setting| other.path.rsplit_once('.').is_some_and(|(name, _)| name == target);
        let later = |other: &Setting| (other.from, other.number) > (setting.from, setting.number);
        let known = problems(design, target);
        // What is on when it begins, and when it ends.
        let begun = |other: &&Setting| !later(other) && other.until > setting.from;
        let ended = |other: &&Setting| other.from <= setting.until && other.until > setting.until;
        for (on, when) in [(&begun as &dyn Fn(&&Setting) -> bool, ""), (&ended, "once it is over: ")] {
            let mut present = design.clone();
            for other in settings.iter().filter(of_target).filter(|other| on(other)) {
                let _ = set_parameter(&mut present, other.path, other.text);
            }
            for finding in problems(&present, target) {
                if !known.iter().any(|other| other.message == finding.message) {
                    let subject = Subject::of(["timeline", &setting.number.to_string(), "do"]);
                    findings.push(Finding { subject, message: format!("{when}{}", finding.message), ..finding });
                }
            }
        }
    }
}

/// What is wrong with a node or link by itself.
fn problems(design: &Design, target: &str) -> Vec<Finding> {
    let subject = Subject::default();
    let mut findings = Vec::new();
    let mut caller = target;
    if let Some(node) = design.nodes.get(target) {
        findings.extend(node.kind.check(&subject));
        classes::check_parameters(&node.kind, &design.classes(), &subject, &mut findings);
    } else if let Some(link) = design.link(target) {
        findings.extend(link.check(&subject));
        links::check_policies(design, link, &subject, &mut findings);
        caller = &link.from;
    }
    findings.extend(cycles::restless(design, caller).map(|problem| Finding::hint("restless", subject, problem)));
    findings
}

/// Only numbers can go from old to new in steps, and only what lasts can end.
fn check_duration(intervention: &Intervention, subject: &Subject, findings: &mut Vec<Finding>) {
    let name = format!("{:?}", intervention.action);
    let name = name.split('(').next().unwrap_or_default();
    if intervention.ramp.is_some() && intervention.action.amount().is_none() {
        let message = format!("{name} has no number that could grow over a ramp");
        findings.push(Finding::error("bad-ramp", subject.then("ramp"), message));
    }
    if intervention.lasting.is_some() && !intervention.action.goes_on() {
        let message = format!("{name} is done at once: there is nothing that could be undone after a while");
        findings.push(Finding::error("bad-lasting", subject.then("lasting"), message));
    }
}

/// What is not a number jumps when its ramp ends.
fn check_ramp(design: &Design, intervention: &Intervention, subject: &Subject, findings: &mut Vec<Finding>) {
    let (Action::Set(path, text), Some(_)) = (&intervention.action, intervention.ramp) else { return };
    let mut changed = design.clone();
    if set_parameter(&mut changed, path, text).is_err() {
        return;
    }
    let no_number = [design, &changed]
        .into_iter()
        .find_map(|design| parameter_text(design, path).filter(|text| magnitude(text).is_none()));
    if let Some(text) = no_number {
        let message =
            format!("there is nothing between `{path}` as it is and as it will be, since {text} is no number");
        let finding = Finding::warning("odd-ramp", subject.then("ramp"), message);
        findings.push(finding.with_remedy("leave out the ramp: the value changes at once, when the ramp would end"));
    }
}

/// Links between two sets, of which no message will pass.
fn links_between<'a>(design: &'a Design, a: &'a [String], b: &'a [String]) -> impl Iterator<Item = &'a LinkSpec> {
    let across = |link: &LinkSpec, a: &[String], b: &[String]| a.contains(&link.from) && b.contains(&link.to);
    design.links.iter().filter(move |link| across(link, a, b) || across(link, b, a))
}

/// Messages that get lost must be missed by somebody. It is told once of each link: one timeout mends it.
fn check_losses(
    design: &Design,
    action: &Action,
    subject: &Subject,
    told: &mut BTreeSet<String>,
    findings: &mut Vec<Finding>,
) {
    let losing: Vec<&LinkSpec> = match action {
        Action::Lose(target, _) | Action::Kill(target) | Action::Restart(target) => {
            design.link(target).into_iter().collect()
        }
        Action::Partition(a, b) => links_between(design, a, b).collect(),
        _ => return,
    };
    for link in losing.into_iter().filter(|link| links::waits_for_ever(design, link)) {
        if !told.insert(link.name()) {
            continue;
        }
        let message = format!(
            "messages of `{}` are lost, but no timeout or deadline notices it: callers will wait for ever",
            link.name()
        );
        findings.push(Finding::warning("endless-wait", subject.clone(), message).with_remedy("set its `timeout`"));
    }
}

/// Whether a link leads from one node to another, or back.
fn are_linked(design: &Design, a: &str, b: &str) -> bool {
    design.links.iter().any(|link| link.from == a && link.to == b || link.from == b && link.to == a)
}

/// A partition cuts links between nodes, and replicas of one node from each other; every member must be part of that.
fn check_partition(design: &Design, a: &[String], b: &[String], wrong: &mut dyn FnMut(String)) -> Vec<String> {
    let mut idle = Vec::new();
    let before = links_between(design, a, b).count();
    let mut parts = before > 0;
    for (names, others) in [(a, b), (b, a)] {
        for name in names {
            if names == a && others.contains(name) {
                wrong(format!("`{name}` stands on both sides"));
            }
            match Target::find(design, name) {
                Some(Target::Link(_)) => {
                    wrong(format!(
                        "`{name}` is a link; a partition is between nodes or replicas, and a link is cut by Kill"
                    ));
                }
                Some(Target::Node(node)) => {
                    let joined = |link: &LinkSpec| link.from == node || link.to == node;
                    // That one replica cannot be cut off from it is told of that replica.
                    let mut of_replica = others.iter().filter_map(|other| replica_node(design, other));
                    let called = of_replica.any(|other| are_linked(design, node, other));
                    if !called && !links_between(design, a, b).any(joined) {
                        idle.push(node.to_owned());
                    }
                }
                Some(Target::Replica(node, replica)) => {
                    let kind = design.nodes[node].kind.meta();
                    let among = others.iter().any(|other| replica_node(design, other) == Some(node));
                    let caller = others.iter().find(|other| are_linked(design, other, node));
                    if let Some(caller) = caller.filter(|_| !among) {
                        let here = if kind.controls.contains(&Handle::Kill) {
                            format!("Kill(\"{name}\") or Freeze(\"{name}\") takes that one away")
                        } else {
                            "no single one can be cut off".to_owned()
                        };
                        wrong(format!(
                            "`{caller}` cannot be cut off from one replica of `{node}`: a link is cut to all replicas at once. \
                             Partition([\"{caller}\"], [\"{node}\"]) cuts it; {here}"
                        ));
                    } else if !kind.controls.contains(&Handle::Part) {
                        wrong(format!(
                            "the replicas of `{node}` do not talk to each other; {}",
                            kinds_with(Handle::Part)
                        ));
                    } else if !among {
                        wrong(format!(
                            "`{name}` is to be cut off from other replicas of `{node}`, and none is on the other side"
                        ));
                    } else if replica >= 64 {
                        wrong(format!("`{name}`: only the first 64 replicas can be cut off from each other"));
                    }
                    parts = true;
                }
                None => {}
            }
        }
    }
    if !parts {
        wrong("no link leads from one side to the other: there is nothing to cut".to_owned());
        idle.clear();
    }
    idle
}

/// Faults of nodes: what can be done to which kind.
fn handle_of(action: &Action) -> Option<(Handle, &str)> {
    Some(match action {
        Action::Kill(target) | Action::Restart(target) => (Handle::Kill, target),
        Action::Freeze(target) => (Handle::Freeze, target),
        Action::Slow(target, _) => (Handle::Slow, target),
        Action::Fail(target, _) => (Handle::Fail, target),
        _ => return None,
    })
}

/// The kinds to which something can be done.
fn kinds_with(handle: Handle) -> String {
    let keys: Vec<&str> = KINDS.iter().filter(|meta| meta.controls.contains(&handle)).map(|meta| meta.key).collect();
    format!("expected one of {}", keys.join(", "))
}

/// Whether the timeline sets a parameter of a node.
fn is_set(design: &Design, node: &str) -> bool {
    design.timeline.iter().any(|intervention| {
        matches!(&intervention.action, Action::Set(path, _) if path.rsplit_once('.').is_some_and(|(of, _)| of == node))
    })
}

/// The replicas (or shards) that there will ever be, where the file says so.
pub(super) fn replicas_of(design: &Design, name: &str) -> Option<u64> {
    let scaled = design.links.iter().any(|link| {
        link.to == name && design.nodes.get(&link.from).is_some_and(|node| node.kind.meta().group == Group::Control)
    });
    let kind = &design.nodes.get(name)?.kind;
    let Some((copies, shape)) = kind.copies() else { return Some(1) };
    let count = format!("{name}.{}", shape.count);
    let is_count = |action: &Action| matches!(action, Action::Set(path, _) if *path == count);
    let sets = design.timeline.iter().any(|intervention| is_count(&intervention.action));
    (!scaled && !sets).then_some(copies)
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
            // That there is none at all is said of the node.
            && (1..=u64::from(replica)).contains(&count)
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
    if let Some((handle, target)) = handle_of(&intervention.action)
        && let Some(Target::Node(node) | Target::Replica(node, _)) = Target::find(design, target)
        && let meta = design.nodes[node].kind.meta()
        && !meta.controls.contains(&handle)
    {
        let verb = format!("{handle:?}");
        let message = format!("{verb} does nothing to `{node}`, {}; {}", meta.one(), kinds_with(handle));
        findings.push(Finding::error("bad-action", subject.clone(), message));
        return;
    }
    if let Action::Slow(target, _) = &intervention.action
        && let Some(Target::Node(node) | Target::Replica(node, _)) = Target::find(design, target)
        && let kind = &design.nodes[node].kind
        && !kind.takes_time()
        && !is_set(design, node)
    {
        let message = format!("Slow does nothing to `{node}`: nothing takes time at this {}", kind.meta().key);
        let remedy = "set what takes time there, such as `lookup` of a cache or `work` of a service";
        findings.push(Finding::error("bad-action", subject.clone(), message).with_remedy(remedy));
        return;
    }
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
            } else if let Some(Spec::Client(client)) = design.nodes.get(target).map(|node| &node.kind)
                && let Some(problem) = client.problem_of_spike(*factor)
            {
                wrong(problem);
            }
        }
        Action::Flush(target) if !takes(target, Handle::Flush) => {
            wrong(format!("`{target}` keeps nothing that can be flushed; {}", kinds_with(Handle::Flush)));
        }
        Action::Partition(a, b) => {
            for node in check_partition(design, a, b, &mut wrong) {
                let message = format!("no link leads from `{node}` to the other side");
                findings.push(Finding::warning("nothing-to-cut", subject.clone(), message));
            }
        }
        Action::Fail(target, _) if is_link(target) => {
            wrong(format!("`{target}` is a link, which does not answer; use Lose"));
        }
        Action::Heal(target) if design.nodes.get(target).is_some_and(|node| node.kind.meta().controls.is_empty()) => {
            wrong(format!("nothing can happen to `{target}` that could be healed"));
        }
        Action::Pause(target) if !takes(target, Handle::Pause) => {
            wrong(format!("`{target}` takes no messages that it could stop taking; {}", kinds_with(Handle::Pause)));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(timeline: &str) -> Vec<String> {
        let text = format!(
            r#"(
            nodes: {{
                "u": (kind: client(rate: "1/s")), "a": (kind: service()), "b": (kind: service()), "cache": (kind: cache()),
                "sc": (kind: autoscaler(min: 1, max: 4)), "crowd": (kind: client(arrivals: Closed(users: 1000, think: "1s"))),
            }},
            links: [
                (from: "u", to: "a"), (from: "a", to: "b", mode: Async, retry: (attempts: 2)), (from: "sc", to: "a"),
                (from: "a", to: "cache", mode: Async),
            ],
            timeline: [{timeline}],
        )"#
        );
        let design: Design = crate::base::ron::read(&text).into_result().unwrap_or_else(|e| panic!("{e:?}"));
        let mut findings = Vec::new();
        check(&design, &mut findings);
        findings
            .into_iter()
            .map(|finding| format!("{} {}: {}", finding.code, finding.subject, finding.message))
            .collect()
    }

    /// Whether there is one finding for each wanted text, which it contains.
    fn expect(timeline: &str, wanted: &[&str]) {
        let told = told(timeline);
        let fits = told.len() == wanted.len() && told.iter().zip(wanted).all(|(told, wanted)| told.contains(wanted));
        assert!(fits, "{timeline}: {told:#?}");
    }

    #[test]
    fn what_is_set_is_checked_with_what_else_is_set_then() {
        expect(r#"(at: "1s", do: Set("sc.max", "9")), (at: "2s", do: Set("sc.min", "6"))"#, &[]);
        expect(r#"(at: "2s", do: Set("sc.max", "9")), (at: "1s", do: Set("sc.min", "6"))"#, &["timeline.1.do: min 6"]);
        expect(
            r#"(at: "1s", lasting: "5s", do: Set("sc.max", "9")), (at: "2s", do: Set("sc.min", "6"))"#,
            &["timeline.0.do: once it is over: min 6 is above max 4"],
        );
        expect(r#"(at: "1s", do: Set("a.slots", "4000000000"))"#, &["timeline.0.do: `slots`"]);
        expect(r#"(at: "1s", do: Set("a.replicas", "0"))"#, &["timeline.0.do: `replicas`"]);
        expect(r#"(at: "1s", do: Set("u->a.hedge", "(copies: 200)"))"#, &["timeline.0.do: copies"]);
        expect(r#"(at: "1s", do: Set("u.arrivals", "Closed(users: 1, think: \"0s\")"))"#, &["restless timeline.0.do"]);
    }

    /// That a node has no replicas is said once, of the node.
    #[test]
    fn a_node_without_replicas_is_told_once() {
        let nodes = r#""u": (kind: client()), "a": (kind: service(replicas: 0))"#;
        let links = r#"(from: "u", to: "a")"#;
        let told = super::super::testing::told(nodes, links, r#"(at: "1s", do: Kill("a#0"))"#);
        let errors: Vec<&String> = told.iter().filter(|line| line.starts_with("error")).collect();
        assert!(errors.len() == 1 && errors[0].contains("replicas"), "{told:#?}");
    }

    #[test]
    fn a_spike_of_users_is_bounded() {
        expect(r#"(at: "1s", do: Spike("crowd", 10000))"#, &[]);
        expect(r#"(at: "1s", do: Spike("crowd", 10001))"#, &["timeline.0.do: 1k users times 10001 are more than"]);
        expect(r#"(at: "1s", do: Spike("u", 10001))"#, &[]);
    }

    #[test]
    fn losses_that_nobody_notices_are_told() {
        expect(r#"(at: "1s", do: Lose("u->a", 0.1))"#, &["endless-wait timeline.0.do: messages of `u->a`"]);
        expect(
            r#"(at: "1s", do: Partition(["a"], ["b", "cache"]))"#,
            &["endless-wait timeline.0.do: messages of `a->b`"],
        );
        expect(r#"(at: "1s", do: Hold("u->a"))"#, &[]);
    }

    #[test]
    fn losses_are_told_once_of_each_link() {
        let twice = r#"(at: "1s", lasting: "6s", do: Lose("u->a", 1)), (at: "3s", lasting: "2s", do: Lose("u->a", 0)),
            (at: "8s", do: Kill("u->a"))"#;
        expect(twice, &["endless-wait timeline.0.do: messages of `u->a`"]);
    }

    /// A queue delivers again what is not acknowledged in time; without that time its consumer's window never opens again.
    #[test]
    fn a_queue_that_redelivers_waits_for_nobody() {
        let said = |queue: &str| {
            let nodes = format!(r#""u": (kind: client()), "q": (kind: queue({queue})), "w": (kind: worker())"#);
            let links = r#"(from: "u", to: "q"), (from: "q", to: "w")"#;
            super::super::testing::told(&nodes, links, r#"(at: "1s", do: Lose("q->w", 1))"#)
        };
        assert_eq!(said(""), [""; 0]);
        assert!(said("visibility_timeout: None")[0].contains("endless-wait"));
    }

    #[test]
    fn a_link_is_cut_to_all_replicas_at_once() {
        let said = |kind: &str, cut: &str| {
            let nodes = format!(r#""u": (kind: client()), "l": (kind: load_balancer()), "s": (kind: {kind})"#);
            let links = r#"(from: "u", to: "l"), (from: "l", to: "s", timeout: "1s")"#;
            super::super::testing::told(&nodes, links, &format!(r#"(at: "1s", do: Partition({cut}))"#))
        };
        for kind in ["service(replicas: 4)", "database(replicas: 3)"] {
            let told = said(kind, r#"["l"], ["s#0"]"#);
            assert!(
                told.len() == 1 && told[0].contains("error bad-action timeline.0.do: `l` cannot be cut off"),
                "{told:#?}"
            );
            assert!(told[0].contains(r#"Partition(["l"], ["s"]) cuts it; Kill("s#0")"#), "{told:#?}");
            assert_eq!(said(kind, r#"["l"], ["s"]"#), [""; 0]);
        }
        assert_eq!(said("database(replicas: 3)", r#"["s#0"], ["s#1", "s#2"]"#), [""; 0]);
    }

    #[test]
    fn what_would_do_nothing_is_refused() {
        expect(r#"(at: "1s", do: Slow("cache", 2.0))"#, &["Slow does nothing to `cache`: nothing takes time"]);
        expect(r#"(at: "1s", do: Kill("u"))"#, &["Kill does nothing to `u`"]);
        expect(r#"(at: "1s", do: Heal("sc"))"#, &["nothing can happen to `sc`"]);
        expect(r#"(at: "1s", do: Heal("u"))"#, &[]);
        expect(r#"(at: "1s", ramp: "1s", do: Freeze("a"))"#, &["bad-ramp timeline.0.ramp"]);
        expect(
            r#"(at: "1s", ramp: "1s", do: Set("a.work", "Exponential(\"9ms\")"))"#,
            &["odd-ramp timeline.0.ramp: there is nothing between `a.work` as it is and as it will be"],
        );
        expect(r#"(at: "1s", ramp: "1s", do: Set("a.slots", "9"))"#, &[]);
        expect(r#"(at: "1s", do: Partition(["u"], ["b"]))"#, &["no link leads from one side"]);
        expect(
            r#"(at: "1s", do: Partition(["a", "u"], ["cache"]))"#,
            &["nothing-to-cut timeline.0.do: no link leads from `u`"],
        );
    }
}
