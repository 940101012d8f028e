//! What is wrong with a design: all of it, at once. One file per check; each is a function of the design.

pub mod aside;
mod balancing;
mod board;
mod classes;
mod consumers;
mod cycles;
pub mod expectations;
mod flow;
pub mod limits;
mod links;
mod nodes;
mod run;
mod settings;
mod silent;
#[cfg(test)]
mod testing;
mod timeline;
mod unused;
mod vacuous;

use super::Design;
use crate::base::{Finding, Severity};

/// A check looks at a design and says what it finds.
type Check = fn(&Design, &mut Vec<Finding>);

/// Every check, in the order of reading.
const CHECKS: &[Check] = &[
    run::check,
    nodes::check,
    links::check,
    balancing::check,
    consumers::check,
    cycles::check,
    classes::check,
    unused::check,
    aside::check,
    limits::check,
    silent::check,
    settings::check,
    timeline::check,
    expectations::check,
    board::check,
];

/// Everything that is wrong, errors first.
pub fn check(design: &Design) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in CHECKS {
        check(design, &mut findings);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Whether the design can be run.
pub fn is_runnable(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity < Severity::Error)
}

/// `did you mean …?` for a name that is not among those there are.
fn suggest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let best = known.map(|known| (strsim::damerau_levenshtein(name, known), known)).min()?;
    (best.0 <= name.chars().count().max(3) / 2).then(|| format!("did you mean `{}`?", best.1))
}

/// Add the suggestion to a finding, if there is one.
fn with_suggestion<'a>(finding: Finding, name: &str, known: impl Iterator<Item = &'a str>) -> Finding {
    match suggest(name, known) {
        Some(hint) => finding.with_remedy(hint),
        None => finding,
    }
}
