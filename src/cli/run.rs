//! `run`: simulate a scenario, report, and judge its expectations.

use super::figure::PictureArgs;
use super::interrupt::{interruptible, is_interrupted};
use super::{GOOD, INTERRUPTED, NOT_AS_EXPECTED, WRONG_INPUT, print, print_bytes, say, say_drawn, table};
use crate::base::units::Quantity as _;
use crate::base::{Finding, Span, Time};
use crate::design::{Design, Expectation, MetricPath, WarmUp, set_parameter};
use crate::export::{self, output};
use crate::run::{self, Run, Verdict, judge};
use crate::scenario::diagnose::{Diagnostic, Shown};
use crate::scenario::{self, source};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Simulate a scenario and report.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  tailboard run scenarios/cache_outage.ron
  tailboard run design.ron --set api.replicas=4 --set 'api->db.timeout=200ms'
  tailboard run design.ron --json - | jq .total.latency.p99")]
pub struct Args {
    /// Scenario file, or a picture that carries one; `-` is standard input.
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
    #[command(flatten)]
    picture: PictureArgs,
}

impl Args {
    /// Nothing but a file.
    pub fn of(file: PathBuf) -> Args {
        Args {
            file,
            sets: Vec::new(),
            seed: None,
            length: None,
            json: None,
            csv: None,
            picture: PictureArgs::default(),
        }
    }

    /// What is changed of the file, as it is written on the command line. A run that was interrupted is one of its length.
    fn changes(&self, interrupted: Option<Span>) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("--seed {seed}"));
        let length = interrupted.map(|at| at.text()).or_else(|| self.length.clone());
        let length = length.map(|length| format!("--for {length}"));
        seed.into_iter().chain(self.sets.iter().map(|set| format!("--set {set}"))).chain(length).collect()
    }
}

pub fn main(args: &Args) -> u8 {
    let source = match source::load(&args.file) {
        Ok(source) => source,
        Err(error) => {
            say(&format!("error: {error}\n"));
            return WRONG_INPUT;
        }
    };
    let Some(mut design) = read(&source.name, &source.text) else { return WRONG_INPUT };
    match adjust(&mut design, args) {
        Ok(not_judged) => simulate(&source.text, &design, &not_judged, args),
        Err(problem) => {
            say(&format!("error: {problem}\n"));
            WRONG_INPUT
        }
    }
}

/// Run a scenario given as text, and print its table.
pub fn run_text(name: &str, text: &str) -> u8 {
    read(name, text).map_or(WRONG_INPUT, |design| simulate(text, &design, &[], &Args::of(PathBuf::new())))
}

/// Read, and say everything that is wrong.
fn read(name: &str, text: &str) -> Option<Design> {
    let scenario = scenario::read_str(text);
    say_drawn(&scenario.drawn(name, text, std::io::stderr().is_terminal()));
    scenario.design
}

/// Apply what the command line changes. Returns the expectations that a shorter run does not reach: they are not judged.
fn adjust(design: &mut Design, args: &Args) -> Result<Vec<String>, String> {
    let mut not_judged = Vec::new();
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
        not_judged = shorten(design, length);
    }
    Ok(not_judged)
}

/// Let the run end there. Returns the expectations that it does not reach, which are left out.
fn shorten(design: &mut Design, length: Span) -> Vec<String> {
    design.run.length = length;
    let reached = |text: &String| {
        let window = MetricPath::parse(text).ok().and_then(|path| path.window);
        window.is_none_or(|(_, until)| until <= length)
    };
    let reached =
        |expectation: &Expectation| reached(&expectation.that) && expectation.times.as_ref().is_none_or(reached);
    design.expect.extract_if(.., |expectation| !reached(expectation)).map(|e| run::text(&e)).collect()
}

/// A scenario file, its text, and the design ready to run; none if something is wrong with it, which has been said.
pub(super) fn prepare(file: &Path) -> Option<(String, Design, Run)> {
    let source = source::load(file).map_err(|error| say(&format!("error: {error}\n"))).ok()?;
    let design = read(&source.name, &source.text)?;
    let run = Run::new(&design).map_err(|findings| refuse(&findings)).ok()?;
    Some((source.text, design, run))
}

fn simulate(text: &str, design: &Design, not_judged: &[String], args: &Args) -> u8 {
    let run = match Run::new(design) {
        Ok(run) => run,
        Err(findings) => return refuse(&findings),
    };
    written(text, design, not_judged, args, run).unwrap_or_else(|problem| {
        say(&format!("error: {problem}\n"));
        WRONG_INPUT
    })
}

/// Run it, and write all that was asked for.
fn written(text: &str, design: &Design, not_judged: &[String], args: &Args, mut run: Run) -> Result<u8, String> {
    let outputs =
        [("--json", &args.json), ("--csv", &args.csv), ("--png", &args.picture.png), ("--svg", &args.picture.svg)];
    let outputs: Vec<_> = outputs.iter().filter_map(|(option, path)| Some((*option, path.as_deref()?))).collect();
    let input = Some(args.file.as_path()).filter(|file| !file.as_os_str().is_empty());
    output::keep_apart(input.as_slice(), &outputs)?;
    let picture = args.picture.request(&[run.length()])?;
    let open = |path: &Option<PathBuf>| path.as_deref().map(Output::open).transpose();
    let (json, csv, pictures) = (open(&args.json)?, open(&args.csv)?, args.picture.open()?);
    let (report, drawn) = picture.simulate(design, &mut run)?;
    let (mut design, mut not_judged) = (design.clone(), not_judged.to_vec());
    let interrupted = report.interrupted.then(|| Span(run.length().0));
    if let Some(at) = interrupted {
        say(&format!("interrupted at {at} of {}: reporting what was simulated until then\n", design.run.length));
        not_judged.extend(shorten(&mut design, at));
    }
    let verdicts = judge(&design, run.recorder());
    let mut code = match interrupted {
        Some(_) => INTERRUPTED,
        None if verdicts.iter().all(|verdict: &Verdict| verdict.holds) => GOOD,
        None => NOT_AS_EXPECTED,
    };
    if !pictures.to_stdout() && ![&json, &csv].into_iter().flatten().any(Output::is_stdout) {
        code = print(&table::text(&design, &report, &verdicts, &not_judged), code);
    }
    if let Some(output) = json {
        code = output.write(export::json(&report, &verdicts, &not_judged).map(String::into_bytes), code);
    }
    if let Some(output) = csv {
        code = output.write(export::csv(run.recorder()).map(String::into_bytes), code);
    }
    if !args.picture.is_asked() {
        return Ok(code);
    }
    let scenario = export::as_run(text, &design, &args.changes(interrupted), &not_judged)?;
    Ok(picture.write(pictures, &drawn, &run, (&report, &verdicts), scenario, code))
}

/// Where a report or picture goes. Opened before the run, so that a run is not lost to a misspelt name.
pub(super) struct Output(output::Output);

impl Output {
    pub fn open(path: &Path) -> Result<Output, String> {
        output::Output::open(path).map(Output)
    }

    pub fn is_stdout(&self) -> bool {
        self.0.is_standard()
    }

    /// Write it, and end with this code if that succeeds.
    pub fn write(self, bytes: Result<Vec<u8>, String>, code: u8) -> u8 {
        let standard = |bytes: &[u8]| Ok(Some(print_bytes(bytes, code)));
        match bytes.and_then(|bytes| self.0.write(&bytes, standard)) {
            Ok(printed) => printed.unwrap_or(code),
            Err(problem) => {
                say(&format!("error: {problem}\n"));
                WRONG_INPUT
            }
        }
    }
}

/// What the command line changed made the design wrong; there is no line of a file to point at.
fn refuse(findings: &[Finding]) -> u8 {
    let shown = Shown::new("command line", "");
    for finding in findings {
        let remedy = finding.remedy.as_ref().map_or(String::new(), |remedy| format!(": {remedy}"));
        say(&format!("{}{remedy}\n", shown.one_line(&Diagnostic::of_finding(finding, None))));
    }
    WRONG_INPUT
}

/// Simulate to `until`, or until Ctrl-C, with a progress bar on a terminal when it takes longer than a second.
pub(super) fn progress(run: &mut Run, until: Time) {
    interruptible(|| slices(run, until));
}

/// In slices of some hundredths of a second, between which is asked whether to go on. How a run is sliced does not change
/// it.
fn slices(run: &mut Run, until: Time) {
    const STEPS: u64 = 1_000;
    const FIRST: u64 = 1_000_000;
    const QUICK: Duration = Duration::from_millis(10);
    const SLOW: Duration = Duration::from_millis(50);
    let from = run.now();
    let length = until.since(from).0.max(1);
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(STEPS) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("simulating {wide_bar} {percent} %, {eta} left") {
        bar.set_style(style);
    }
    #[expect(clippy::disallowed_methods, reason = "progress and interruption are about the clock on the wall")]
    let wall = std::time::Instant::now;
    let (begun, mut slice) = (wall(), FIRST);
    while !is_interrupted() {
        let (at, next) = (wall(), Time(run.now().0.saturating_add(slice)).min(until));
        run.advance(next);
        if next == until || run.is_over() {
            break;
        }
        match at.elapsed() {
            quick if quick < QUICK => slice = slice.saturating_mul(2),
            slow if slow > SLOW => slice = (slice / 2).max(1),
            _ => {}
        }
        if begun.elapsed().as_secs() >= 1 {
            bar.set_position((u128::from(run.now().since(from).0) * u128::from(STEPS) / u128::from(length)) as u64);
        }
    }
    bar.finish_and_clear();
}
