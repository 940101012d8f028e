//! What can be done at once about what the checks find, each as an ordinary edit. Only where there is one plain thing to
//! do: which of two links is too many is for a person to say.

use super::edit::{Edit, apply};
use super::{aside, names, settle};
use crate::base::ron::did_you_mean;
use crate::base::{Finding, Severity, Span};
use crate::design::checks::{check, expectations, limits};
use crate::design::{
    Action, Design, Expectation, HedgeSpec, Intervention, LinkSpec, PoolSpec, RunSpec, WaitSpec, WarmUp,
};
use crate::kinds::params::magnitude;
use crate::kinds::{Param, Value};

/// A remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// What it does: "remove the link".
    pub words: String,
    pub edit: Edit,
}

/// What could be done about a finding; none, if it is not about what it should be.
type Remedy = fn(&Design, &Finding) -> Option<Fix>;

/// The findings about which something can be done, by their codes. A fix keeps what was meant: it goes to the nearest value
/// that is allowed, turns a link round, lets a run last longer. What it takes away is only what can never mean anything.
const REMEDIES: &[(&str, Remedy)] = &[
    ("run-length", |design, _| {
        let least = if let WarmUp::For(warm_up) = design.run.warm_up { warm_up * 2 } else { Span::ZERO };
        last(design, RunSpec::default().length.max(least))
    }),
    ("warm-up", |design, _| match design.run.warm_up {
        WarmUp::For(warm_up) => last(design, warm_up * 2),
        WarmUp::Auto => None,
    }),
    ("bad-name", rename_node),
    ("bad-position", place),
    ("out-of-range", set_nearest),
    ("bad-value", mend_value),
    ("no-way-out", turn_links),
    ("dangling-link", lead_elsewhere),
    ("self-link", remove_link),
    ("no-way-in", turn_link),
    ("same-name", rename_link),
    ("bad-when", call_later),
    ("no-such-class", name_class),
    ("bad-wait", wait_alike),
    ("endless-wait", set_timeout),
    ("never-filled", cache_aside),
    ("asked-anyway", cache_aside),
    ("timeouts-not-nested", wait_longer),
    ("pools-too-large", shrink_pools),
    ("too-late", |design, finding| {
        let late = design.timeline.get(number(finding, "timeline")?)?;
        last(design, late.at + late.lasting.unwrap_or(Span(late.at.0 / 10).max(Span::from_secs(1))))
    }),
    ("no-such-target", strike_another),
    ("bad-action", do_alike),
    ("bad-ramp", |design, finding| {
        let lasting = design.timeline.get(number(finding, "timeline")?)?.lasting;
        let words = if lasting.is_some() { "grow all the while" } else { "all at once" };
        let ends = |old: &Intervention| old.lasting.filter(|_| old.action.amount().is_some());
        change_intervention(design, finding, words, |old| Intervention { ramp: ends(&old), ..old })
    }),
    ("bad-lasting", |design, finding| {
        change_intervention(design, finding, "without a duration", |old| Intervention { lasting: None, ..old })
    }),
    ("bad-figure", name_figure),
    ("bad-amount", swap_bounds),
    ("no-such-node", leave_out_of_frame),
    ("empty-frame", remove_frame),
];

/// What can be done about a finding, if that makes it go away and nothing worse.
pub fn remedy(design: &Design, findings: &[Finding], finding: &Finding) -> Option<Fix> {
    let (_, remedy) = REMEDIES.iter().find(|(code, _)| *code == finding.code)?;
    let fix = remedy(design, finding)?;
    let mut after = apply(design, &fix.edit).ok()?.design;
    settle(&mut after);
    let after = check(&after);
    let same = |findings: &[Finding]| {
        findings.iter().filter(|other| other.code == finding.code && other.message == finding.message).count()
    };
    let errors = |findings: &[Finding]| findings.iter().filter(|other| other.severity == Severity::Error).count();
    (same(&after) < same(findings) && errors(&after) <= errors(findings)).then_some(fix)
}

fn fix(words: impl Into<String>, edit: Edit) -> Option<Fix> {
    Some(Fix { words: words.into(), edit })
}

/// The number in `links.3.to`.
fn number(finding: &Finding, section: &str) -> Option<usize> {
    match finding.subject.0.as_slice() {
        [first, number, ..] if first == section => number.parse().ok(),
        _ => None,
    }
}

fn node(finding: &Finding) -> Option<&String> {
    finding.subject.0.get(1).filter(|_| finding.subject.0[0] == "nodes")
}

fn link<'a>(design: &'a Design, finding: &Finding) -> Option<&'a LinkSpec> {
    design.links.get(number(finding, "links")?)
}

fn set(target: &str, param: &str, text: String) -> Edit {
    Edit::Set { targets: vec![target.to_owned()], param: param.to_owned(), text }
}

fn rename_node(design: &Design, finding: &Finding) -> Option<Fix> {
    let from = node(finding)?;
    let plain: String = from.chars().map(|c| if ".#@>".contains(c) { '-' } else { c }).collect();
    let plain = plain.trim();
    let to = names::fresh_node(design, if plain.is_empty() { "node" } else { plain });
    fix(format!("call it `{to}`"), Edit::RenameNode { from: from.clone(), to })
}

/// Where it would stand if it had no place; with all others that are too far away, because they would pull it along.
fn place(design: &Design, finding: &Finding) -> Option<Fix> {
    let far = |at: (f32, f32)| !(at.0.abs() < 1e7 && at.1.abs() < 1e7);
    let mut settled = design.clone();
    let mut moved = vec![node(finding)?.clone()];
    for (name, node) in &mut settled.nodes {
        if node.at.is_some_and(far) {
            node.at = None;
            moved.push(name.clone());
        }
    }
    settle(&mut settled);
    let places = moved.into_iter().filter_map(|name| Some((name.clone(), settled.nodes.get(&name)?.at?)));
    fix("find it a place", Edit::Move(places.collect()))
}

fn last(design: &Design, length: Span) -> Option<Fix> {
    fix(format!("let it run for {length}"), Edit::SetRun(RunSpec { length, ..design.run }))
}

/// The parameter at the end of the subject, of a node or link: what is said of it, and its text.
fn parameter(design: &Design, finding: &Finding) -> Option<(String, Param, String)> {
    let (name, param) = match finding.subject.0.as_slice() {
        [section, name, .., param] if section == "nodes" => (name.clone(), param),
        [_, _, param, ..] => (link(design, finding)?.name(), param),
        _ => return None,
    };
    let mut found = None;
    let mut look = |known: &Param, value: &mut dyn Value| {
        if known.name == param {
            found = Some((*known, value.text()));
        }
    };
    match design.nodes.get(&name) {
        Some(node) => node.kind.clone().visit(&mut look),
        None => design.link(&name)?.clone().visit(&mut look),
    }
    found.map(|(param, text)| (name, param, text))
}

/// The nearest value of its range.
fn set_nearest(design: &Design, finding: &Finding) -> Option<Fix> {
    let (name, param, text) = parameter(design, finding)?;
    let (min, max) = param.range?;
    let nearest = if magnitude(&text)? < min { min } else { max };
    let nearest = param.in_its_unit(&text, nearest);
    fix(format!("set `{}` to {nearest}", param.name), set(&name, param.name, nearest))
}

/// What is meant by values that do not go together, where that is plain: the ends of a range the other way round, one
/// instead of none, a window for as many calls as it needs.
fn mend_value(design: &Design, finding: &Finding) -> Option<Fix> {
    let (name, param, text) = parameter(design, finding)?;
    if let Some(link) = link(design, finding) {
        let mut link = link.clone();
        if let Some(retry) = &mut link.retry {
            retry.attempts = retry.attempts.max(1);
            retry.backoff.cap = retry.backoff.cap.max(retry.backoff.base);
        }
        if let Some(hedge) = &mut link.hedge {
            hedge.copies = hedge.copies.clamp(1, HedgeSpec::MOST);
        }
        if let Some(pool) = &mut link.pool {
            pool.size = pool.size.max(1);
        }
        if let Some(breaker) = &mut link.breaker {
            breaker.window = breaker.window.max(breaker.minimum_calls.min(1_000_000));
            breaker.minimum_calls = breaker.minimum_calls.max(1);
            breaker.trials = breaker.trials.max(1);
        }
        return set_param(design, finding, &link);
    }
    let swapped = text.strip_prefix("Uniform(min:")?.strip_suffix(')')?;
    let (min, max) = swapped.split_once(",max:")?;
    let text = format!("Uniform(min:{max},max:{min})");
    fix("swap the ends of the range", set(&name, param.name, text))
}

/// The parameter at the end of the subject, as another link has it.
fn set_param(design: &Design, finding: &Finding, like: &LinkSpec) -> Option<Fix> {
    let name = link(design, finding)?.name();
    let param = finding.subject.0.get(2)?;
    let mut text = None;
    like.clone().visit(&mut |known: &Param, value: &mut dyn Value| {
        if known.name == param {
            text = Some(value.text());
        }
    });
    let text = text?;
    fix(format!("set `{param}` to {text}"), set(&name, param, text))
}

fn remove_links(links: Vec<String>) -> Option<Fix> {
    let words = if links.len() == 1 { "remove the link" } else { "remove these links" };
    fix(words, Edit::Remove { nodes: Vec::new(), links, heal: false })
}

fn remove_link(design: &Design, finding: &Finding) -> Option<Fix> {
    remove_links(vec![link(design, finding)?.name()])
}

/// Let it lead the other way, unless there is such a link already.
fn turned(design: &Design, link: &LinkSpec) -> Option<Edit> {
    let there = design.links.iter().any(|other| other.from == link.to && other.to == link.from);
    (!there).then(|| Edit::Rewire { link: link.name(), from: link.to.clone(), to: link.from.clone() })
}

fn turn_link(design: &Design, finding: &Finding) -> Option<Fix> {
    let link = link(design, finding)?;
    match turned(design, link).filter(|edit| apply(design, edit).is_ok()) {
        Some(edit) => fix("turn the link round", edit),
        None => remove_link(design, finding),
    }
}

fn turn_links(design: &Design, finding: &Finding) -> Option<Fix> {
    let name = node(finding)?;
    let outs = || design.links.iter().filter(|link| link.from == *name);
    let edits: Option<Vec<Edit>> = outs().map(|link| turned(design, link)).collect();
    match edits.map(Edit::All).filter(|edit| apply(design, edit).is_ok()) {
        Some(edit) => fix(if outs().count() == 1 { "turn the link round" } else { "turn these links round" }, edit),
        None => remove_links(outs().map(LinkSpec::name).collect()),
    }
}

/// To the node that was meant, if there is one of nearly this name.
fn lead_elsewhere(design: &Design, finding: &Finding) -> Option<Fix> {
    let link = link(design, finding)?;
    let meant = |name: &String| {
        let names: Vec<&str> = design.nodes.keys().map(String::as_str).collect();
        if design.nodes.contains_key(name) { Some(name.clone()) } else { did_you_mean(name, &names).map(str::to_owned) }
    };
    let rewired = meant(&link.from).zip(meant(&link.to)).filter(|(from, to)| from != to);
    let edit = rewired
        .map(|(from, to)| (format!("lead it from `{from}` to `{to}`"), Edit::Rewire { link: link.name(), from, to }));
    match edit.filter(|(_, edit)| apply(design, edit).is_ok()) {
        Some((words, edit)) => fix(words, edit),
        None => remove_link(design, finding),
    }
}

fn rename_link(design: &Design, finding: &Finding) -> Option<Fix> {
    let name = link(design, finding)?.name();
    let taken = |name: &str| design.nodes.contains_key(name) || design.link(name).is_some();
    let to = names::fresh(&name, taken);
    fix(format!("call it `{to}`"), Edit::RenameLink { link: name, to: Some(to) })
}

/// A step after the one that the condition speaks of; the condition stays.
fn call_later(design: &Design, finding: &Finding) -> Option<Fix> {
    let link = link(design, finding)?;
    let other = match finding.subject.0.last()?.as_str() {
        "after_miss" => link.when.after_miss.as_ref(),
        _ => link.when.after_failure.as_ref(),
    }?;
    let mut siblings = design.links.iter().filter(|sibling| sibling.from == link.from);
    match siblings.find(|sibling| sibling.name() == *other || sibling.to == *other) {
        Some(before) => {
            let step = before.step.checked_add(1)?;
            let in_step = design.links.iter().find(|other| other.from == link.from && other.step == step);
            let wait = in_step.map_or(link.wait, |other| other.wait).text();
            let edits = vec![set(&link.name(), "step", step.to_string()), set(&link.name(), "wait", wait)];
            fix(format!("call it in step {step}"), Edit::All(edits))
        }
        None => {
            let mut like = link.clone();
            let others =
                design.links.iter().filter(|sibling| sibling.from == link.from && sibling.name() != link.name());
            let names: Vec<String> = others.flat_map(|sibling| [sibling.to.clone(), sibling.name()]).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let meant = did_you_mean(other, &names)?.to_owned();
            let words = format!("after `{meant}`");
            if link.when.after_miss.is_some() {
                like.when.after_miss = Some(meant);
            } else {
                like.when.after_failure = Some(meant);
            }
            Some(Fix { words, ..set_param(design, finding, &like)? })
        }
    }
}

/// The class that was meant, if there is one of nearly this name.
fn name_class(design: &Design, finding: &Finding) -> Option<Fix> {
    let mut like = link(design, finding)?.clone();
    let known = design.classes();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    for class in like.when.classes.iter_mut().filter(|class| !known.contains(&**class)) {
        *class = did_you_mean(class, &names)?.to_owned();
    }
    let words = format!("for `{}`", like.when.classes.join("`, `"));
    Some(Fix { words, ..set_param(design, finding, &like)? })
}

/// All links of the step: as the first that waits in a way of its own, or for as many calls as there are.
fn wait_alike(design: &Design, finding: &Finding) -> Option<Fix> {
    let link = link(design, finding)?;
    let step = || design.links.iter().filter(|other| other.from == link.from && other.step == link.step);
    let own = step().map(|other| other.wait).find(|wait| *wait != WaitSpec::All).unwrap_or_default();
    let differ = step().any(|other| other.wait != own);
    let wait = match own {
        WaitSpec::Of(0) => WaitSpec::First,
        _ if differ => own,
        _ => WaitSpec::All,
    };
    let targets = step().map(LinkSpec::name).collect();
    let words = if wait == WaitSpec::All {
        "wait for all calls".to_owned()
    } else {
        format!("`wait: {}` for all", wait.text())
    };
    fix(words, Edit::Set { targets, param: "wait".to_owned(), text: wait.text() })
}

fn cache_aside(design: &Design, finding: &Finding) -> Option<Fix> {
    let edit = aside::of_any_caller(design, node(finding)?)?;
    fix("cache-aside: ask the cache first, the store after a miss, then fill", edit)
}

/// So long that the callee is done by then.
fn wait_longer(design: &Design, finding: &Finding) -> Option<Fix> {
    let link = link(design, finding)?;
    let needed = limits::needed(design, &link.name())?;
    // A little more than it takes, for the way.
    let enough = Span((needed.0 / 10).max(1_000_000)) + needed;
    let limits = [("timeout", link.timeout), ("deadline", link.deadline)];
    let short = limits.into_iter().filter(|(_, limit)| limit.is_some_and(|limit| limit <= needed));
    let edits = short.map(|(param, _)| set(&link.name(), param, enough.to_string())).collect();
    fix(format!("wait for {enough}"), Edit::All(edits))
}

/// All pools of the store, so that together they take what it gives.
fn shrink_pools(design: &Design, finding: &Finding) -> Option<Fix> {
    let store = &link(design, finding)?.to;
    let size = limits::fair_pool(design, store)?;
    let large = design.links.iter().filter(|link| link.to == *store && link.pool.is_some_and(|pool| pool.size > size));
    let shrunk = |link: &LinkSpec| {
        let pool = link.pool.map(|pool| PoolSpec { size, ..pool });
        set(&link.name(), "pool", pool.text())
    };
    fix(format!("pools of {size}"), Edit::All(large.map(shrunk).collect()))
}

/// Of the link, or of the first of those whose messages get lost by an intervention.
fn set_timeout(design: &Design, finding: &Finding) -> Option<Fix> {
    let links: Vec<String> = match link(design, finding) {
        Some(link) => vec![link.name()],
        None => match &design.timeline.get(number(finding, "timeline")?)?.action {
            Action::Partition(a, b) => {
                let across =
                    |a: &[String], b: &[String], link: &LinkSpec| a.contains(&link.from) && b.contains(&link.to);
                let cut = design.links.iter().filter(|link| across(a, b, link) || across(b, a, link));
                cut.filter(|link| link.timeout.is_none()).map(LinkSpec::name).collect()
            }
            action => action.targets().into_iter().map(str::to_owned).collect(),
        },
    };
    let edit = Edit::Set { targets: links, param: "timeout".to_owned(), text: "1s".to_owned() };
    fix("set a timeout of 1 s", edit)
}

fn remove_intervention(_: &Design, finding: &Finding) -> Option<Fix> {
    fix("take it off the timeline", Edit::RemoveIntervention(number(finding, "timeline")?))
}

/// Whatever was meant, if it has nearly this name.
fn strike_another(design: &Design, finding: &Finding) -> Option<Fix> {
    let i = number(finding, "timeline")?;
    let intervention = design.timeline.get(i)?;
    let links: Vec<String> = design.links.iter().map(LinkSpec::name).collect();
    let known: Vec<&str> = design.nodes.keys().chain(&links).map(String::as_str).collect();
    let mut renames = names::Renames::new();
    for target in intervention.action.targets() {
        if !known.contains(&target)
            && let Some(meant) = did_you_mean(target, &known)
        {
            renames.insert(target.to_owned(), Some(meant.to_owned()));
        }
    }
    if renames.is_empty() {
        return remove_intervention(design, finding);
    }
    let mut action = intervention.action.clone();
    names::rename_targets(design, &renames, &mut action);
    let words = action.targets().join("`, `");
    fix(format!("strike `{words}`"), Edit::SetIntervention(i, Intervention { action, ..intervention.clone() }))
}

/// What does the same to a link, or to a node.
fn do_alike(design: &Design, finding: &Finding) -> Option<Fix> {
    let alike = |action: Action| match action {
        Action::Fail(link, share) if design.link(&link).is_some() => Some(Action::Lose(link, share)),
        Action::Lose(node, share) if design.nodes.contains_key(&node) => Some(Action::Fail(node, share)),
        Action::Hold(node) if design.nodes.contains_key(&node) => Some(Action::Freeze(node)),
        _ => None,
    };
    let intervention = design.timeline.get(number(finding, "timeline")?)?;
    match alike(intervention.action.clone()) {
        Some(action) => {
            let name = format!("{action:?}");
            let words = format!("{} instead", name.split('(').next().unwrap_or_default());
            change_intervention(design, finding, &words, |old| Intervention { action: action.clone(), ..old })
        }
        None => remove_intervention(design, finding),
    }
}

fn change_intervention(
    design: &Design,
    finding: &Finding,
    words: &str,
    change: impl Fn(Intervention) -> Intervention,
) -> Option<Fix> {
    let i = number(finding, "timeline")?;
    fix(words, Edit::SetIntervention(i, change(design.timeline.get(i)?.clone())))
}

/// The figure that was meant.
fn name_figure(design: &Design, finding: &Finding) -> Option<Fix> {
    let i = number(finding, "expect")?;
    let mut expectation: Expectation = design.expect.get(i)?.clone();
    let text = match finding.subject.0.last()?.as_str() {
        "times" => expectation.times.as_mut()?,
        _ => &mut expectation.that,
    };
    *text = expectations::meant(design, text)?;
    let words = format!("`{text}`");
    fix(words, Edit::SetExpectation(i, expectation))
}

/// The least above the most is the other way round.
fn swap_bounds(design: &Design, finding: &Finding) -> Option<Fix> {
    let i = number(finding, "expect")?;
    let Expectation { at_least, at_most, .. } = design.expect.get(i)?.clone();
    if !at_least.as_ref().zip(at_most.as_ref()).is_some_and(|(least, most)| least.value > most.value) {
        return None;
    }
    let swapped = Expectation { at_least: at_most, at_most: at_least, ..design.expect[i].clone() };
    fix("swap the bounds", Edit::SetExpectation(i, swapped))
}

fn leave_out_of_frame(design: &Design, finding: &Finding) -> Option<Fix> {
    let mut frames = design.frames.clone();
    frames.get_mut(number(finding, "frames")?)?.nodes.retain(|name| design.nodes.contains_key(name));
    fix("leave it out of the frame", Edit::SetFrames(frames))
}

fn remove_frame(design: &Design, finding: &Finding) -> Option<Fix> {
    let mut frames = design.frames.clone();
    let i = number(finding, "frames").filter(|i| *i < frames.len())?;
    frames.remove(i);
    fix("remove the frame", Edit::SetFrames(frames))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::Editor;
    use std::collections::BTreeSet;

    /// Designs with something wrong; together, with everything about which something can be done.
    const WRONG: &[&str] = &[
        r#"(nodes: { "u": (kind: client(rate: "1/s")) }, run: (length: "0s"))"#,
        r#"(nodes: { "u": (kind: client(rate: "1/s")) }, run: (length: "5s", warm_up: "9s"))"#,
        r#"(nodes: { "a.b": (kind: service()), ">": (kind: service(slots: 0), at: (1e9, 0)) })"#,
        r#"(nodes: { "u": (kind: client()), "v": (kind: client()), "a": (kind: service(work: Uniform(min: "2s", max: "1s"))) },
            links: [(from: "u", to: "v"), (from: "u", to: "nobody"), (from: "a", to: "a")])"#,
        r#"(nodes: { "u": (kind: client()), "d": (kind: database()), "a": (kind: service()), "b": (kind: service()) },
            links: [(from: "u", to: "a"), (from: "d", to: "a"), (from: "d", to: "b"),
                (from: "a", to: "b", when: (after_failure: "d"), step: 2), (from: "a", to: "b", step: 1),
                (from: "a", to: "d", when: (classes: ["requests"]), step: 2, retry: (attempts: 0))])"#,
        r#"(nodes: { "u": (kind: client()), "a": (kind: service()), "b": (kind: service()), "c": (kind: service()) },
            links: [(from: "u", to: "a", loss: "5%"), (from: "a", to: "b", wait: First), (from: "a", to: "c", wait: Of(7)),
                (from: "b", to: "c", mode: Async, latency_back: "3ms")],
            timeline: [
                (at: "9min", do: Slow("a", 2.0)), (at: "1s", do: Kill("nobody")), (at: "1s", do: Slow("u", 2.0)),
                (at: "1s", do: Flush("a")), (at: "1s", do: Fail("a->b", 0.5)),
                (at: "1s", ramp: "1s", do: Kill("a")), (at: "1s", lasting: "1s", do: Heal("a")),
                (at: "1s", do: Lose("a->b", 0.1)), (at: "1s", do: Partition(["a"], ["b", "c"])),
                (at: "1s", ramp: "3s", lasting: "1s", do: Slow("a", 2.0)),
            ],
            expect: [(that: "error_rate", at_most: "1%"), (that: "p99", at_least: "2s", at_most: "1s")],
            frames: [(title: "zone", nodes: ["a", "nobody"]), (title: "none", nodes: [])])"#,
        r#"(nodes: { "u": (kind: client()), "a": (kind: service(replicas: 6)), "k": (kind: cache()), "l": (kind: cache()),
                "d": (kind: database(connections: 100, queue_limit: 0)), "b": (kind: service()) },
            links: [(from: "u", to: "a", timeout: "1s"), (from: "a", to: "k"), (from: "a", to: "d", pool: (size: 25), timeout: "2s"),
                (from: "a", to: "b"), (from: "b", to: "l"), (from: "b", to: "d"), (from: "b", to: "l", name: "x", operation: Write, step: 2)])"#,
    ];

    fn fixed(text: &str, code: &str) -> Design {
        let design: Design = crate::base::ron::read(text).into_result().unwrap_or_else(|e| panic!("{text}: {e:?}"));
        let findings = check(&design);
        let mut found = findings.iter().filter(|finding| finding.code == code);
        let fix = found.find_map(|finding| remedy(&design, &findings, finding));
        apply(&design, &fix.unwrap_or_else(|| panic!("{code}: {findings:?}")).edit).expect("an edit").design
    }

    #[test]
    fn a_fix_keeps_what_was_meant() {
        let nodes = r#"nodes: { "u": (kind: client()), "api": (kind: service()), "k": (kind: cache()), "d": (kind: database()) }"#;
        let design = fixed(
            &format!(
                r#"({nodes}, links: [(from: "u", to: "api"), (from: "api", to: "k"), (from: "api", to: "d", when: (after_miss: "k"))])"#
            ),
            "bad-when",
        );
        let link = design.link("api->d").expect("it stays");
        assert_eq!((link.step, link.when.after_miss.as_deref()), (2, Some("k")));
        let design = fixed(&format!(r#"({nodes}, links: [(from: "u", to: "apu")])"#), "dangling-link");
        assert_eq!(design.links[0].to, "api");
        let design = fixed(&format!(r#"({nodes}, links: [(from: "d", to: "api")])"#), "no-way-out");
        assert_eq!((design.links[0].from.as_str(), design.links[0].to.as_str()), ("api", "d"));
        let design = fixed(&format!(r#"({nodes}, timeline: [(at: "2min", do: Kill("api"))])"#), "too-late");
        assert!(design.timeline.len() == 1 && design.run.length > design.timeline[0].at);
        let design = fixed(&format!(r#"({nodes}, timeline: [(at: "1s", do: Kill("apo"))])"#), "no-such-target");
        assert_eq!(design.timeline[0].action, Action::Kill("api".to_owned()));
        let design = fixed(r#"(nodes: { "a": (kind: service(replicas: 20000)) })"#, "out-of-range");
        assert_eq!(crate::kinds::Value::text(&design.nodes["a"].kind).matches("replicas:10000").count(), 1);
        let design = fixed(
            &format!(r#"({nodes}, links: [(from: "u", to: "api", retry: (attempts: 0, budget: ()))])"#),
            "bad-value",
        );
        assert_eq!(
            design.links[0].retry.as_ref().map(|retry| (retry.attempts, retry.budget.is_some())),
            Some((1, true))
        );
        let design = fixed(&format!(r#"({nodes}, expect: [(that: "api.cpu", at_most: "80%")])"#), "bad-figure");
        assert_eq!(design.expect[0].that, "api.core_utilization");
    }

    #[test]
    fn what_is_offered_makes_the_finding_go_away_and_can_be_undone() {
        let mut fixed = BTreeSet::new();
        for text in WRONG {
            let design: Design = crate::base::ron::read(text).into_result().unwrap_or_else(|e| panic!("{text}: {e:?}"));
            let mut editor = Editor::new(design);
            let before = editor.design().clone();
            let findings = check(&before);
            for finding in &findings {
                let Some(Fix { edit, .. }) = remedy(&before, &findings, finding) else { continue };
                assert_eq!(editor.edit(&edit), Ok(()), "{finding:?}");
                let after = check(editor.design());
                let gone = |other: &Finding| (other.code, &other.message) != (finding.code, &finding.message);
                let many = |all: &[Finding]| all.iter().filter(|other| !gone(other)).count();
                assert!(many(&after) < many(&findings), "{finding:?} stays after {edit:?}");
                fixed.insert(finding.code);
                assert!(editor.undo());
                assert_eq!(**editor.design(), *before);
            }
        }
        let all: BTreeSet<&str> = REMEDIES.iter().map(|(code, _)| *code).collect();
        assert_eq!(fixed, all);
    }

    #[test]
    fn one_after_the_other_they_make_a_design_that_runs() {
        for text in WRONG {
            let mut design: Design = crate::base::ron::read(text).into_result().expect("read before");
            for _ in 0..40 {
                let findings = check(&design);
                let Some(fix) = findings.iter().find_map(|finding| remedy(&design, &findings, finding)) else { break };
                design = apply(&design, &fix.edit).expect("an edit").design;
            }
            let left: Vec<_> = check(&design).into_iter().filter(|f| f.severity == Severity::Error).collect();
            assert!(left.is_empty(), "{text}: {left:?}");
        }
    }
}
