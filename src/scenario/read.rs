//! Reading and writing scenario files.

use super::diagnose::{Diagnostic, Shown};
use crate::base::{Finding, Severity, ron};
use crate::design::{Design, LinkSpec, VERSION, checks};
use crate::kinds::products::product_named;
use crate::kinds::{Param, Value};
use serde::Deserialize;

/// A file that was read: the design if it can be used, and everything that is to be said of it.
#[derive(Debug)]
pub struct Scenario {
    /// A design without errors; warnings may remain.
    pub design: Option<Design>,
    /// The design as it is written, even if it cannot be run: something to go on drawing. None if it could not be read.
    pub drawing: Option<Design>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Scenario {
    /// Whether there is an error among the diagnostics.
    pub fn is_wrong(&self) -> bool {
        self.design.is_none()
    }

    /// All diagnostics, drawn as a compiler does.
    pub fn drawn(&self, name: &str, text: &str, colour: bool) -> String {
        Shown::new(name, text).drawn_all(&self.diagnostics, colour)
    }
}

/// Just enough of a file to see which version it is.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Versioned {
    version: u32,
}

/// Read a scenario: every mistake in its notation, and everything that the checks find in what could be read.
pub fn read_str(text: &str) -> Scenario {
    if let Some(version) = ron::read::<Versioned>(text).value.map(|file| file.version)
        && version > VERSION
    {
        // What a newer version means by its fields is not known, so that nothing else is worth saying.
        let reading = ron::read::<Versioned>(text);
        let finding = checks::check(&Design { version, ..Design::default() }).into_iter().find(|f| f.code == "version");
        let diagnostics = finding.iter().map(|finding| Diagnostic::of_finding(finding, Some(&reading.tree))).collect();
        return Scenario { design: None, drawing: None, diagnostics };
    }
    let mut reading = ron::read::<Design>(text);
    for problem in &mut reading.problems {
        in_own_words(problem, text, reading.value.as_ref());
    }
    if !reading.problems.is_empty() {
        let mut diagnostics: Vec<Diagnostic> = reading.problems.iter().map(Diagnostic::from).collect();
        diagnostics
            .extend(besides(&reading).iter().map(|finding| Diagnostic::of_finding(finding, Some(&reading.tree))));
        return Scenario { design: None, drawing: None, diagnostics };
    }
    let Some(design) = reading.value else { return Scenario { design: None, drawing: None, diagnostics: Vec::new() } };
    let findings = checks::check(&design);
    let diagnostics: Vec<Diagnostic> =
        findings.iter().map(|finding| Diagnostic::of_finding(finding, Some(&reading.tree))).collect();
    let wrong = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Scenario { design: (!wrong).then(|| design.clone()), drawing: Some(design), diagnostics }
}

/// What a type could hold says less than what the parameter allows, and how it is written; and a product is no kind.
fn in_own_words(problem: &mut ron::Problem, text: &str, rest: Option<&Design>) {
    let mut reword = |param: &Param, _: &mut dyn Value| {
        if problem.path.last().is_some_and(|name| name == param.name) {
            problem.message = param.with_own_range(&problem.message);
            problem.label = param.with_own_range(&problem.label);
            if problem.code == "wrong-type" && problem.help.is_none() {
                let examples: Vec<String> =
                    param.examples.iter().map(|example| format!("`{}: {example}`", param.name)).collect();
                problem.help = Some(format!("for example {}", examples.join(" or ")));
            }
        }
    };
    match problem.path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["links", _, _] => LinkSpec::default().visit(&mut reword),
        ["nodes", _, "kind"] if problem.code == "unknown-name" => {
            if let Some(product) = text.get(problem.span.clone()).and_then(product) {
                problem.help = Some(product);
            }
        }
        // What of the node could be read says which kind it is.
        ["nodes", node, .., _] => {
            if let Some(node) = rest.and_then(|design| design.nodes.get(node)) {
                node.kind.clone().visit(&mut reword);
            }
        }
        _ => {}
    }
}

/// What stands for a product that was written as a kind.
fn product(name: &str) -> Option<String> {
    let kinds: Vec<String> = product_named(name)?.kinds.iter().map(|kind| format!("`{kind}`")).collect();
    (!kinds.is_empty()).then(|| format!("place a {}: `tailboard explain {name}`", kinds.join(" or ")))
}

/// What the checks find in a text with mistakes in its notation, as far as it cannot be a consequence of them: what
/// could not be read is missing from the design, and the positions behind it in its list have moved up.
fn besides(reading: &ron::Reading<Design>) -> Vec<Finding> {
    let broken: Vec<Vec<String>> = (reading.problems.iter())
        .map(|problem| match problem.code {
            "syntax" if problem.path.is_empty() => ron::path_at(&reading.tree, problem.span.start),
            _ => problem.path.clone(),
        })
        .collect();
    // Anything may be missing: a section under a misspelt name, or behind a bracket.
    let sections =
        ["title", "question", "notes", "seed", "run", "nodes", "links", "timeline", "expect", "frames", "stickies"];
    let in_section = |path: &Vec<String>| path.first().is_some_and(|name| sections.contains(&name.as_str()));
    let Some(design) = reading.value.as_ref().filter(|_| !reading.more && broken.iter().all(in_section)) else {
        return Vec::new();
    };
    let touches = |section: &str| broken.iter().any(|path| path[0] == section);
    let in_node = |name: &str| broken.iter().any(|path| path[0] == "nodes" && path.get(1).is_none_or(|n| n == name));
    let whole = !["run", "nodes", "links"].into_iter().any(touches);
    let stands = |finding: &Finding| match finding.subject.0.as_slice() {
        // About a parameter; what is about a whole node may be about the links to it.
        [section, node, _, ..] if section == "nodes" => !in_node(node) && (whole || finding.code != "no-such-class"),
        [section, ..] if section == "nodes" || touches(section) => false,
        // These look at nothing else in the file.
        _ => whole || ["out-of-range", "bad-value", "self-link", "no-bound", "bad-ramp"].contains(&finding.code),
    };
    let errors = checks::check(design).into_iter().filter(|finding| finding.severity == Severity::Error);
    errors.filter(stands).collect()
}

/// A design as a file.
///
/// # Errors
/// If it is nested too deep to be written.
pub fn write_str(design: &Design) -> Result<String, String> {
    ron::to_pretty(design)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        read_str(text).diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
    }

    #[test]
    fn a_number_that_does_not_fit_is_told_the_range_of_its_parameter() {
        let text = r#"(nodes: {"c": (kind: client()), "a": (kind: service(cores: 1.5, replicas: -1, queue_limit: -5))},
            links: [(from: "c", to: "a", bulkhead: -1)])"#;
        let said: Vec<String> =
            read_str(text).diagnostics.into_iter().map(|said| said.message + "; " + &said.label).collect();
        for part in [
            "from 1 to 1000000, not 1.5",
            "from 1 to 10000, not -1",
            "from 0 to 1000000000, not -5",
            "from 1 to 1000000, not -1",
        ] {
            assert!(said.iter().any(|said| said.contains(part)), "{part}: {said:#?}");
        }
        assert!(said.iter().all(|said| !said.contains("65535") && !said.contains("4294967295")), "{said:#?}");
        let mut design = Design::default();
        design.nodes.insert("a".to_owned(), ron::read(r#"(kind: service())"#).value.expect("a node"));
        let problem = crate::design::set_parameter(&mut design, "a.cores", "1.5").unwrap_err();
        assert!(problem.contains("from 1 to 1000000"), "{problem}");
    }

    #[test]
    fn mistakes_of_both_kinds_are_said_at_once() {
        let text = r#"(nodes: {
            "client": (kind: client(rate: "10/s")),
            "api": (kind: service(replica: 2)),
            "db": (kind: database(connections: 0)),
        }, links: [(from: "client", to: "api"), (from: "api", to: "db", timeout: "5x")])"#;
        let said = codes(text);
        assert_eq!(said.len(), 3, "{said:?}");
        let mended = text.replace("replica:", "replicas:").replace("5x", "5ms");
        assert_eq!(codes(&mended).first(), Some(&said[2]), "the check's own");
    }

    #[test]
    fn what_only_follows_from_a_mistake_is_not_said() {
        for text in [
            // The node whose kind cannot be read is not there, nor are its classes.
            r#"(nodes: { "c": (kind: clinet(classes: { "read": () })), "s": (kind: service(work_by_class: { "read": "1ms" })) }, links: [(from: "c", to: "s")],
                expect: [(that: "read.p99", at_most: "1s"), (that: "c->s.p99", at_most: "1s")])"#,
            r#"(nodez: { "c": (kind: client()), "s": (kind: service()) }, links: [(from: "c", to: "s")])"#,
            r#"(nodes: { "c": (kind: client()), "s": (kind: service()) }, links: [(from: "c", too: "s")],
                timeline: [(at: "1s", do: Lose("c->s", 0.5))])"#,
            r#"(nodes: { "c": (kind: client()), "s": (kind: service() }, links: [(from: "c", to: "s")])"#,
        ] {
            let scenario = read_str(text);
            let notation = ron::read::<Design>(text).problems.len();
            assert_eq!(scenario.diagnostics.len(), notation, "{:?}", scenario.diagnostics);
        }
    }
}
