//! The version and the run itself.

use crate::base::{Finding, Span, Subject};
use crate::design::{Design, VERSION, WarmUp};

/// A longer run is a mistake in a unit more often than a wish.
const LONGEST: Span = Span::from_secs(400 * 86_400);

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    if design.version > VERSION {
        let message =
            format!("version {} of the file format; this program reads up to version {VERSION}", design.version);
        let finding = Finding::error("version", Subject::of(["version"]), message);
        findings.push(finding.with_remedy("a newer version of the program reads it"));
    } else if design.version == 0 {
        let message = format!("there is no version 0 of the file format: expected {VERSION}");
        findings.push(Finding::error("version", Subject::of(["version"]), message));
    }
    let length = design.run.length;
    if length.is_zero() || length > LONGEST {
        let message = format!("a run lasts longer than 0 and at most 400 days, not {length}");
        findings.push(Finding::error("run-length", Subject::of(["run", "length"]), message));
    }
    if let WarmUp::For(warm_up) = design.run.warm_up
        && warm_up >= length
    {
        let message = format!("a warm-up of {warm_up} leaves nothing of a run of {length}");
        findings.push(Finding::error("warm-up", Subject::of(["run", "warm_up"]), message));
    }
}
