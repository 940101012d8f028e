//! `run`: simulate a scenario, report, and judge its expectations.

use super::{GOOD, NOT_AS_EXPECTED, WRONG_INPUT, export, print, table};
use crate::base::units::Quantity as _;
use crate::base::{Finding, Span, Time};
use crate::design::{Design, WarmUp, set_parameter};
use crate::run::{Run, Verdict, judge};
use crate::scenario::diagnose::{Diagnostic, Shown};
use crate::scenario::{self, source};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Simulate a scenario and report.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  tailboard run scenarios/cache_outage.ron
  tailboard run design.ron --set api.replicas=4 --set 'api->db.timeout=200ms'
  tailboard run design.ron --json - | jq .total.latency.p99")]
pub struct Args {
    /// Scenario file; `-` is standard input.
    file: PathBuf,
    /// Set a parameter: NODE.PARAM=VALUE or FROM->TO.PARAM=VALUE; may be given several times.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Use this seed instead of the file's.
    #[arg(long)]
    seed: Option<u64>,
    /// Simulate so long instead of as long as the file says.
    #[arg(long = "for", value_name = "TIME")]
    length: Option<String>,
    /// Write the whole report as JSON; `-` is standard output, instead of the table.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the series, window by window, as CSV; `-` is standard output, instead of the table.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

impl Args {
    /// Nothing but a file.
    pub fn of(file: PathBuf) -> Args {
        Args { file, sets: Vec::new(), seed: None, length: None, json: None, csv: None }
    }
}

pub fn main(args: &Args) -> u8 {
    let source = match source::load(&args.file) {
        Ok(source) => source,
        Err(error) => {
            eprintln!("error: {error}");
            return WRONG_INPUT;
        }
    };
    let Some(mut design) = read(&source.name, &source.text) else { return WRONG_INPUT };
    if let Err(problem) = adjust(&mut design, args) {
        eprintln!("error: {problem}");
        return WRONG_INPUT;
    }
    simulate(&design, args.json.as_ref(), args.csv.as_ref())
}

/// Run a scenario given as text, and print its table.
pub fn run_text(name: &str, text: &str) -> u8 {
    read(name, text).map_or(WRONG_INPUT, |design| simulate(&design, None, None))
}

/// Read, and say everything that is wrong.
fn read(name: &str, text: &str) -> Option<Design> {
    let scenario = scenario::read_str(text);
    eprint!("{}", scenario.drawn(name, text, std::io::stderr().is_terminal()));
    scenario.design
}

/// Apply what the command line changes.
fn adjust(design: &mut Design, args: &Args) -> Result<(), String> {
    if let Some(seed) = args.seed {
        design.seed = seed;
    }
    for set in &args.sets {
        let Some((path, value)) = set.split_once('=') else {
            return Err(format!("`--set {set}`: expected node.param=value"));
        };
        set_parameter(design, path.trim(), value.trim()).map_err(|problem| format!("`--set {set}`: {problem}"))?;
    }
    if let Some(text) = &args.length {
        let length = Span::parse(text).map_err(|problem| format!("`--for`: {problem}"))?;
        if matches!(design.run.warm_up, WarmUp::For(warm_up) if warm_up >= length) {
            return Err(format!("`--for {text}` leaves nothing after the warm-up"));
        }
        design.run.length = length;
    }
    Ok(())
}

fn simulate(design: &Design, json: Option<&PathBuf>, csv: Option<&PathBuf>) -> u8 {
    let mut run = match Run::new(design) {
        Ok(run) => run,
        Err(findings) => return refuse(&findings),
    };
    progress(&mut run);
    let report = run.report();
    let verdicts = judge(design, run.recorder(), &report);
    for (path, write) in [(json, true), (csv, false)] {
        let Some(path) = path else { continue };
        let text = if write { export::json(&report, &verdicts) } else { export::csv(run.recorder()) };
        if let Err(problem) = text.and_then(|text| save(path, &text)) {
            eprintln!("error: {problem}");
            return WRONG_INPUT;
        }
    }
    let to_stdout = |path: Option<&PathBuf>| path.is_some_and(|path| path.as_os_str() == "-");
    if !to_stdout(json) && !to_stdout(csv) {
        print(&table::text(design, &report, &verdicts));
    }
    if verdicts.iter().all(|verdict: &Verdict| verdict.holds) { GOOD } else { NOT_AS_EXPECTED }
}

/// What the command line changed made the design wrong; there is no line of a file to point at.
fn refuse(findings: &[Finding]) -> u8 {
    let shown = Shown::new("command line", "");
    for finding in findings {
        eprintln!("{}", shown.one_line(&Diagnostic::of_finding(finding, None)));
    }
    WRONG_INPUT
}

/// Simulate to the end, with a progress bar on a terminal when it takes longer than a second.
fn progress(run: &mut Run) {
    const STEPS: u64 = 1_000;
    let length = run.length().0;
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(STEPS) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("simulating {wide_bar} {percent} %, {eta} left") {
        bar.set_style(style);
    }
    #[expect(clippy::disallowed_methods, reason = "a progress bar is about the clock on the wall")]
    let begun = std::time::Instant::now();
    for step in 1..=STEPS {
        run.advance(Time((u128::from(length) * u128::from(step) / u128::from(STEPS)) as u64));
        if begun.elapsed().as_secs() >= 1 {
            bar.set_position(step);
        }
    }
    bar.finish_and_clear();
}

fn save(path: &PathBuf, text: &str) -> Result<(), String> {
    if path.as_os_str() == "-" {
        print(text);
        return Ok(());
    }
    std::fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
