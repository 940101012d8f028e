//! What a picture of a run carries, so that it can be run again; see [`crate::scenario::picture`].

use crate::design::Design;
use crate::metrics::Report;
use crate::run::Verdict;
use crate::scenario::picture::{Carried, Provenance, Summary, extract};
use crate::scenario::{edit_str, write_str};
use std::fs;
use std::path::Path;

/// What is larger is no picture of ours: they have 100 million pixels at most.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Whether a picture can be written there without a loss: nothing is there, or an earlier picture, which carries its
/// scenario. What somebody else has put there stays.
pub fn is_free(path: &Path) -> bool {
    let Ok(there) = fs::metadata(path) else { return true };
    let ours = || fs::read(path).is_ok_and(|bytes| matches!(extract(&bytes), Ok(Some(_))));
    !there.is_file() || there.len() <= MOST_BYTES && ours()
}

/// A run for a picture of it. `scenario` is its text from [`as_run`].
pub fn carried(scenario: String, report: &Report, verdicts: &[Verdict]) -> Carried {
    let total = &report.total;
    let value = |estimate: Option<crate::metrics::Estimate>| estimate.map(|estimate| estimate.value);
    let summary = Summary {
        length: report.length,
        offered: total.offered,
        good_share: (total.offered > 0).then(|| total.good as f64 / total.offered as f64),
        goodput: total.goodput,
        p50: value(total.latency.p50),
        p99: value(total.latency.p99),
        expectations: verdicts.len() as u64,
        held: verdicts.iter().filter(|verdict| verdict.holds).count() as u64,
    };
    let tool = env!("CARGO_PKG_VERSION").to_owned();
    Carried { scenario, provenance: Provenance { tool, seed: report.seed, summary } }
}

/// The scenario as it was run: its text to the byte, unless something was changed (`changes`, as on the command line).
/// Then it is the text with these changes, under a comment that says what was changed, and which expectations were left
/// out because the run ends before.
///
/// # Errors
/// If the design cannot be written so that it can be read again.
pub fn as_run(text: &str, design: &Design, changes: &[String], not_judged: &[String]) -> Result<String, String> {
    if changes.is_empty() {
        return Ok(text.to_owned());
    }
    let mut head = comment(&format!("As it was run, with {}.", changes.join(" ")));
    for expectation in not_judged {
        head += &comment(&format!("Left out, because the run ends before: {expectation}"));
    }
    // Nothing may stand before a line that says which notation follows.
    let text =
        if text.trim_start().starts_with("#!") { write_str(design)? + "\n" } else { edit_str(text, design)?.text };
    Ok(head + &text)
}

/// On one line, whatever was typed.
fn comment(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("// {line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::picture::embed_svg;

    #[test]
    fn a_picture_replaces_nothing_but_pictures_of_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.svg");
        assert!(is_free(&path));
        let plain = r#"<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>"#;
        for foreign in ["", "a letter", plain] {
            fs::write(&path, foreign).expect("room");
            assert!(!is_free(&path), "{foreign}");
        }
        let text = r#"(nodes: { "u": (kind: client()), "a": (kind: service()) }, links: [(from: "u", to: "a")])"#;
        let design = crate::scenario::read_str(text).design.expect("it runs");
        let report = crate::run::run(&design).expect("a report");
        let ours = embed_svg(plain, &carried(text.to_owned(), &report, &[])).expect("a picture");
        fs::write(&path, ours).expect("room");
        assert!(is_free(&path));
    }
}
