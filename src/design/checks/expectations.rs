//! Expectations must speak of figures that there are.

use super::with_suggestion;
use crate::base::{Finding, Subject};
use crate::design::{
    Amount, CLASS_FIGURES, Design, Expectation, FigureUnit, LINK_FIGURES, LinkSpec, MetricPath, NODE_FIGURES,
};
use crate::engine::{REASONS, SIGNALS};

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    for (i, expectation) in design.expect.iter().enumerate() {
        let subject = Subject::of(["expect", &i.to_string()]);
        if expectation.at_least.is_none() && expectation.at_most.is_none() {
            let finding = Finding::error("no-bound", subject.clone(), "it expects nothing");
            findings.push(finding.with_remedy("add `at_least` or `at_most`"));
        }
        for (param, text) in [("that", Some(&expectation.that)), ("times", expectation.times.as_ref())] {
            let Some(text) = text else { continue };
            match MetricPath::parse(text) {
                Err(problem) => findings.push(Finding::error("bad-figure", subject.then(param), problem)),
                Ok(path) => check_path(design, &path, &subject.then(param), findings),
            }
        }
        check_bounds(expectation, &subject, findings);
    }
}

/// The bounds must be measured in what the figure is measured in, and leave something between them.
fn check_bounds(expectation: &Expectation, subject: &Subject, findings: &mut Vec<Finding>) {
    let unit = FigureUnit::of(&expectation.that);
    let (least, most) = (&expectation.at_least, &expectation.at_most);
    for (param, amount) in [("at_least", least), ("at_most", most)] {
        let Some(amount) = amount else { continue };
        let problem = if expectation.times.is_some() { amount.problem_as_factor() } else { amount.problem(unit) };
        if let Some(problem) = problem {
            findings.push(Finding::error("bad-amount", subject.then(param), problem));
        }
    }
    if let Some(times) = &expectation.times
        && FigureUnit::of(times) != unit
    {
        let message = format!("`{}` and `{times}` are not measured in the same unit", expectation.that);
        findings.push(Finding::error("bad-amount", subject.then("times"), message));
    }
    let value = |amount: &Option<Amount>| amount.as_ref().map(|amount| amount.value);
    if value(least).zip(value(most)).is_some_and(|(least, most)| least > most) {
        let message = "at_least is above at_most: nothing lies between them";
        findings.push(Finding::error("bad-amount", subject.then("at_least"), message));
    }
}

fn check_path(design: &Design, path: &MetricPath, subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some((_, until)) = path.window
        && until > design.run.length
    {
        let message = format!("the window ends at {until}, after the end of the run");
        findings.push(Finding::error("bad-figure", subject.clone(), message));
    }
    let classes = design.classes();
    let links: Vec<String> = design.links.iter().map(LinkSpec::name).collect();
    let name = path.subject.as_deref();
    let known = match name {
        None => CLASS_FIGURES,
        Some(name) if design.nodes.contains_key(name) => NODE_FIGURES,
        Some(name) if links.iter().any(|link| link == name) => LINK_FIGURES,
        Some(name) if classes.iter().any(|class| class == name) => CLASS_FIGURES,
        Some(name) => {
            let names = design.nodes.keys().chain(&links).chain(&classes).map(String::as_str);
            let message = format!("there is no node, link or class `{name}`");
            findings.push(with_suggestion(Finding::error("bad-figure", subject.clone(), message), name, names));
            return;
        }
    };
    let reason = path.figure.strip_prefix("failed_");
    let signal = name.is_some_and(|name| design.nodes.contains_key(name))
        && SIGNALS.iter().any(|(_, signal)| *signal == path.figure);
    let name = path.figure.as_str();
    let figure = known.iter().find(|figure| figure.name == name);
    let reason = reason.and_then(|name| REASONS.iter().find(|reason| reason.name() == name));
    if let Some(reason) = reason.filter(|reason| !reason.is_produced()) {
        let message =
            format!("nothing fails for the reason `{}` yet: the figure would be 0 in every run", reason.name());
        let produced: Vec<&str> = REASONS.iter().filter(|r| r.is_produced()).map(|reason| reason.name()).collect();
        let finding = Finding::error("bad-figure", subject.clone(), message);
        findings.push(finding.with_remedy(format!("leave it out; the reasons are {}", produced.join(", "))));
    } else if figure.is_none() && !signal && reason.is_none() {
        let message = format!("there is no figure `{name}` here");
        let finding = Finding::error("bad-figure", subject.clone(), message);
        findings.push(with_suggestion(finding, name, known.iter().map(|figure| figure.name)));
    } else if path.window.is_some() && figure.is_some_and(|figure| !figure.by_window) {
        let message = format!("`{name}` is known of the whole run only: there are no windows of it here");
        let kept: Vec<&str> = known.iter().filter(|figure| figure.by_window).map(|figure| figure.name).collect();
        let remedy = format!("leave out the times, or use one of {}", kept.join(", "));
        findings.push(Finding::error("bad-figure", subject.clone(), message).with_remedy(remedy));
    }
}
