//! `check`: everything that is wrong with files.

use super::{GOOD, WRONG_INPUT, print, say, say_drawn};
use crate::base::{Severity, short};
use crate::scenario::picture::Provenance;
use crate::scenario::{self, source};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Say what is wrong with scenario files.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tailboard check scenarios/*.ron\n  tailboard check run.png\n  cat design.ron | tailboard check -"
)]
pub struct Args {
    /// Scenario files, or pictures that carry one; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub fn main(args: &Args) -> u8 {
    let mut wrong = false;
    for file in &args.files {
        let source = match source::load(file) {
            Ok(source) => source,
            Err(error) => {
                say(&format!("error: {error}\n"));
                wrong = true;
                continue;
            }
        };
        let scenario = scenario::read_str(&source.text);
        say_drawn(&scenario.drawn(&source.name, &source.text, std::io::stderr().is_terminal()));
        wrong |= scenario.is_wrong();
        if let Some(design) = scenario.design {
            let count = |severity, what: &str| {
                let n = scenario.diagnostics.iter().filter(|said| said.severity == severity).count();
                (n > 0).then(|| format!("{n} {what}{}", if n == 1 { "" } else { "s" }))
            };
            let said = [count(Severity::Warning, "warning"), count(Severity::Hint, "hint")];
            let said = said.into_iter().flatten().collect::<Vec<String>>().join(", ");
            let mut line = format!(
                "{}: {}: {} nodes, {} links, {} expectations\n",
                source.name,
                if said.is_empty() { "fine" } else { said.as_str() },
                design.nodes.len(),
                design.links.len(),
                design.expect.len()
            );
            if let Some(provenance) = &source.provenance {
                line += &format!("    {}\n", drawn_after(provenance));
            }
            wrong |= print(&line, GOOD) != GOOD;
        }
    }
    if wrong { WRONG_INPUT } else { GOOD }
}

/// Of which run a picture is.
fn drawn_after(provenance: &Provenance) -> String {
    let Provenance { tool, seed, summary } = provenance;
    let mut parts = vec![format!("{} requests", short::count(summary.offered))];
    parts.extend(summary.good_share.map(|share| format!("{} good", short::percent(share))));
    parts.push(format!("goodput {}", short::rate(summary.goodput)));
    let percentiles = [("p50", summary.p50), ("p99", summary.p99)];
    parts.extend(percentiles.iter().filter_map(|(name, value)| Some(format!("{name} {}", short::seconds((*value)?)))));
    if summary.expectations > 0 {
        parts.push(format!("{} of {} expectations held", summary.held, summary.expectations));
    }
    let length = short::seconds(summary.length);
    format!("drawn by Tailboard {tool} after {length} with seed {seed}: {}", parts.join(", "))
}
