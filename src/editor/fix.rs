//! What can be done at once about what the checks find, each as an ordinary edit. Only where there is one plain thing to
//! do: which of two links is too many is for a person to say.

use super::edit::{Edit, apply};
use super::{names, settle};
use crate::base::{Finding, Severity};
use crate::design::checks::check;
use crate::design::{Action, Design, Intervention, LinkSpec, RunSpec, WaitSpec, WarmUp};
use crate::kinds::{Param, Spec, Value};

/// A remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// What it does: "remove the link".
    pub words: String,
    pub edit: Edit,
}

/// What could be done about a finding; none, if it is not about what it should be.
type Remedy = fn(&Design, &Finding) -> Option<Fix>;

/// The findings about which something can be done, by their codes.
const REMEDIES: &[(&str, Remedy)] = &[
    ("run-length", |_, _| fix("let it run for a minute", Edit::SetRun(RunSpec::default()))),
    ("warm-up", |design, _| {
        fix("find the warm-up by itself", Edit::SetRun(RunSpec { warm_up: WarmUp::Auto, ..design.run }))
    }),
    ("bad-name", rename_node),
    ("bad-position", place),
    ("out-of-range", set_default),
    ("bad-value", set_default),
    ("no-way-out", remove_ways_out),
    ("dangling-link", remove_link),
    ("self-link", remove_link),
    ("no-way-in", remove_link),
    ("same-name", rename_link),
    ("bad-when", forget_condition),
    ("no-such-class", forget_class),
    ("bad-wait", wait_for_all),
    ("endless-wait", set_timeout),
    ("unused", |design, finding| set_param(design, finding, &LinkSpec::default())),
    ("too-late", remove_intervention),
    ("no-such-target", remove_intervention),
    ("bad-action", remove_intervention),
    ("bad-ramp", |design, finding| {
        change_intervention(design, finding, "all at once", |old| Intervention { ramp: None, ..old })
    }),
    ("bad-lasting", |design, finding| {
        change_intervention(design, finding, "without a duration", |old| Intervention { lasting: None, ..old })
    }),
    ("no-bound", remove_expectation),
    ("bad-figure", remove_expectation),
    ("bad-amount", remove_expectation),
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

/// The default of the parameter at the end of the subject.
fn set_default(design: &Design, finding: &Finding) -> Option<Fix> {
    if finding.subject.0[0] == "links" {
        return set_param(design, finding, &LinkSpec::default());
    }
    let name = node(finding)?;
    let param = finding.subject.0.last()?;
    let mut spec = Spec::new(design.nodes.get(name)?.kind.meta().key)?;
    let mut text = None;
    spec.visit(&mut |known: &Param, value: &mut dyn Value| {
        if known.name == param {
            text = Some(value.text());
        }
    });
    let text = text?;
    fix(format!("set `{param}` to {text}"), set(name, param, text))
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

fn remove_ways_out(design: &Design, finding: &Finding) -> Option<Fix> {
    let name = node(finding)?;
    remove_links(design.links.iter().filter(|link| link.from == *name).map(LinkSpec::name).collect())
}

fn rename_link(design: &Design, finding: &Finding) -> Option<Fix> {
    let name = link(design, finding)?.name();
    let taken = |name: &str| design.nodes.contains_key(name) || design.link(name).is_some();
    let to = names::fresh(&name, taken);
    fix(format!("call it `{to}`"), Edit::RenameLink { link: name, to: Some(to) })
}

fn forget_condition(design: &Design, finding: &Finding) -> Option<Fix> {
    let mut like = link(design, finding)?.clone();
    match finding.subject.0.last()?.as_str() {
        "after_miss" => like.when.after_miss = None,
        _ => like.when.after_failure = None,
    }
    let fix = set_param(design, finding, &like)?;
    Some(Fix { words: "forget the condition".to_owned(), ..fix })
}

fn forget_class(design: &Design, finding: &Finding) -> Option<Fix> {
    let mut like = link(design, finding)?.clone();
    let known = design.classes();
    like.when.classes.retain(|class| known.contains(class));
    let fix = set_param(design, finding, &like)?;
    Some(Fix { words: "forget the class".to_owned(), ..fix })
}

/// All links of the step.
fn wait_for_all(design: &Design, finding: &Finding) -> Option<Fix> {
    let link = link(design, finding)?;
    let step = design.links.iter().filter(|other| other.from == link.from && other.step == link.step);
    let targets = step.map(LinkSpec::name).collect();
    let text = WaitSpec::All.text();
    fix("wait for all calls", Edit::Set { targets, param: "wait".to_owned(), text })
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

fn change_intervention(
    design: &Design,
    finding: &Finding,
    words: &str,
    change: impl Fn(Intervention) -> Intervention,
) -> Option<Fix> {
    let i = number(finding, "timeline")?;
    fix(words, Edit::SetIntervention(i, change(design.timeline.get(i)?.clone())))
}

fn remove_expectation(_: &Design, finding: &Finding) -> Option<Fix> {
    fix("remove the expectation", Edit::RemoveExpectation(number(finding, "expect")?))
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
                (from: "a", to: "b", when: (after_miss: "u")), (from: "a", to: "b", step: 1),
                (from: "a", to: "d", when: (classes: ["nobody"]), step: 2, retry: (attempts: 0))])"#,
        r#"(nodes: { "u": (kind: client()), "a": (kind: service()), "b": (kind: service()), "c": (kind: service()) },
            links: [(from: "u", to: "a", loss: "5%"), (from: "a", to: "b", wait: First), (from: "a", to: "c", wait: Of(7)),
                (from: "b", to: "c", mode: Async, latency_back: "3ms")],
            timeline: [
                (at: "9min", do: Flush("a")), (at: "1s", do: Kill("nobody")), (at: "1s", do: Slow("u", 2.0)),
                (at: "1s", ramp: "1s", do: Kill("a")), (at: "1s", lasting: "1s", do: Heal("a")),
                (at: "1s", do: Lose("a->b", 0.1)), (at: "1s", do: Partition(["a"], ["b", "c"])),
                (at: "1s", ramp: "3s", lasting: "1s", do: Slow("a", 2.0)),
            ],
            expect: [(that: "p99"), (that: "nobody.p99", at_most: "1s"), (that: "p99", at_most: "1/s")],
            frames: [(title: "zone", nodes: ["a", "nobody"]), (title: "none", nodes: [])])"#,
    ];

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
