//! Reading and writing scenario files.

use super::diagnose::{Diagnostic, Shown};
use crate::base::{Severity, ron};
use crate::design::{Design, VERSION, checks};
use serde::Deserialize;

/// A file that was read: the design if it can be used, and everything that is to be said of it.
#[derive(Debug)]
pub struct Scenario {
    /// A design without errors; warnings may remain.
    pub design: Option<Design>,
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

/// Read a scenario: every mistake in its notation, or, if there is none, everything that the checks find.
pub fn read_str(text: &str) -> Scenario {
    if let Some(version) = ron::read::<Versioned>(text).value.map(|file| file.version)
        && version > VERSION
    {
        // What a newer version means by its fields is not known, so that nothing else is worth saying.
        let reading = ron::read::<Versioned>(text);
        let finding = checks::check(&Design { version, ..Design::default() }).into_iter().find(|f| f.code == "version");
        let diagnostics = finding.iter().map(|finding| Diagnostic::of_finding(finding, Some(&reading.tree))).collect();
        return Scenario { design: None, diagnostics };
    }
    let reading = ron::read::<Design>(text);
    if !reading.problems.is_empty() {
        return Scenario { design: None, diagnostics: reading.problems.iter().map(Diagnostic::from).collect() };
    }
    let Some(design) = reading.value else { return Scenario { design: None, diagnostics: Vec::new() } };
    let findings = checks::check(&design);
    let diagnostics: Vec<Diagnostic> =
        findings.iter().map(|finding| Diagnostic::of_finding(finding, Some(&reading.tree))).collect();
    let wrong = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Scenario { design: (!wrong).then_some(design), diagnostics }
}

/// A design as a file.
///
/// # Errors
/// If it is nested too deep to be written.
pub fn write_str(design: &Design) -> Result<String, String> {
    ron::to_pretty(design)
}
