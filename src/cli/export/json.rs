//! The whole report as JSON. The shape is that of `metrics::Report`, with the verdicts beside; see docs in the README.

use crate::metrics::Report;
use crate::run::Verdict;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    expectations: &'a [Verdict],
}

/// # Errors
/// If a figure cannot be written, which none can that is a number.
pub fn json(report: &Report, expectations: &[Verdict]) -> Result<String, String> {
    let document = Document { report, expectations };
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(|error| error.to_string())
}
