//! `run`: simulate a scenario, report, and judge its expectations.

use super::figure::PictureArgs;
use super::{GOOD, NOT_AS_EXPECTED, WRONG_INPUT, print, print_bytes, say, table};
use crate::base::units::Quantity as _;
use crate::base::{Finding, Span, Time};
use crate::design::{Design, Expectation, MetricPath, WarmUp, set_parameter};
use crate::export;
use crate::run::{self, Run, Verdict, judge};
use crate::scenario::diagnose::{Diagnostic, Shown};
use crate::scenario::{self, source};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

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

    /// What is changed of the file, as it is written on the command line.
    fn changes(&self) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("--seed {seed}"));
        let length = self.length.as_ref().map(|length| format!("--for {length}"));
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
    say(&scenario.drawn(name, text, std::io::stderr().is_terminal()));
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
        let reached = |text: &String| {
            let window = MetricPath::parse(text).ok().and_then(|path| path.window);
            window.is_none_or(|(_, until)| until <= length)
        };
        let reached =
            |expectation: &Expectation| reached(&expectation.that) && expectation.times.as_ref().is_none_or(reached);
        not_judged = design.expect.extract_if(.., |expectation| !reached(expectation)).map(|e| run::text(&e)).collect();
        design.run.length = length;
    }
    Ok(not_judged)
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
    for (i, (option, path)) in outputs.iter().enumerate().filter(|(_, (_, path))| path.is_some()) {
        if let Some((other, _)) = outputs[..i].iter().find(|(_, other)| other == path) {
            return Err(format!("`{other}` and `{option}` would write to the same place"));
        }
    }
    let picture = args.picture.request(&[run.length()])?;
    let open = |path: &Option<PathBuf>| path.as_deref().map(Output::open).transpose();
    let (json, csv, pictures) = (open(&args.json)?, open(&args.csv)?, args.picture.open()?);
    let (report, drawn) = picture.simulate(design, &mut run)?;
    let verdicts = judge(design, run.recorder(), &report);
    let mut code = if verdicts.iter().all(|verdict: &Verdict| verdict.holds) { GOOD } else { NOT_AS_EXPECTED };
    if !pictures.to_stdout() && ![&json, &csv].into_iter().flatten().any(Output::is_stdout) {
        code = print(&table::text(design, &report, &verdicts, not_judged), code);
    }
    if let Some(output) = json {
        code = output.write(export::json(&report, &verdicts, not_judged).map(String::into_bytes), code);
    }
    if let Some(output) = csv {
        code = output.write(export::csv(run.recorder()).map(String::into_bytes), code);
    }
    if !args.picture.is_asked() {
        return Ok(code);
    }
    let scenario = export::as_run(text, design, &args.changes(), not_judged)?;
    Ok(picture.write(pictures, &drawn, &run, (&report, &verdicts), scenario, code))
}

/// Where a report or picture goes. Opened before the run, so that a run is not lost to a misspelt name.
pub(super) struct Output {
    path: PathBuf,
    /// None: standard output.
    file: Option<File>,
}

impl Output {
    pub fn open(path: &Path) -> Result<Output, String> {
        let owned = path.to_owned();
        if path.as_os_str() == "-" {
            return Ok(Output { path: owned, file: None });
        }
        let file = File::create(path).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        Ok(Output { path: owned, file: Some(file) })
    }

    pub fn is_stdout(&self) -> bool {
        self.file.is_none()
    }

    /// Write it, and end with this code if that succeeds.
    pub fn write(self, bytes: Result<Vec<u8>, String>, code: u8) -> u8 {
        let written = bytes.and_then(|bytes| match self.file {
            None => Ok(print_bytes(&bytes, code)),
            Some(mut file) => file.write_all(&bytes).map(|()| code).map_err(|error| error.to_string()),
        });
        written.unwrap_or_else(|problem| {
            say(&format!("error: {} cannot be written: {problem}\n", self.path.display()));
            WRONG_INPUT
        })
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

/// Simulate to `until`, with a progress bar on a terminal when it takes longer than a second.
pub(super) fn progress(run: &mut Run, until: Time) {
    const STEPS: u64 = 1_000;
    let (from, length) = (run.now().0, until.since(run.now()).0);
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(STEPS) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("simulating {wide_bar} {percent} %, {eta} left") {
        bar.set_style(style);
    }
    #[expect(clippy::disallowed_methods, reason = "a progress bar is about the clock on the wall")]
    let begun = std::time::Instant::now();
    for step in 1..=STEPS {
        run.advance(Time(from + (u128::from(length) * u128::from(step) / u128::from(STEPS)) as u64));
        if begun.elapsed().as_secs() >= 1 {
            bar.set_position(step);
        }
    }
    bar.finish_and_clear();
}
