//! The command line: one file per verb.

pub mod bench;
mod check;
mod columns;
pub mod explain;

mod figure;
mod interrupt;
mod kinds;
mod new;
mod run;
mod table;

use crate::base::plain;
use clap::{CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Every expectation holds.
pub const GOOD: u8 = 0;
/// An expectation does not hold.
pub const NOT_AS_EXPECTED: u8 = 1;
/// The input is wrong, or a result could not be written.
pub const WRONG_INPUT: u8 = 2;
/// Ctrl-C ended the run; what was simulated until then was reported.
pub const INTERRUPTED: u8 = 130;

/// The system-design whiteboard that runs.
#[derive(Parser)]
#[command(name = "tailboard", version, about, long_about = None, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do; opens the whiteboard if left out.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const EXAMPLES: &str = "\
Examples:
  tailboard                                        open the whiteboard
  tailboard run scenarios/url_shortener.ron        simulate, print a table, judge the expectations
  tailboard run design.ron --set db.connections=50 --seed 7 --for 10min
  tailboard run design.ron --json report.json --csv series.csv
  tailboard run design.ron --png out.png --scale 2  a picture of the board and its plots
  tailboard figure a.ron b.ron --svg both.svg      two runs side by side
  tailboard check design.ron                       say everything that is wrong with a file
  tailboard explain cache                          the manual of a kind; `explain` alone lists all manuals
  tailboard kinds redis                            what stands for a product
  tailboard new > design.ron                       a file to start from

Exit codes: 0 all expectations hold, 1 one fails or cannot be told, 2 the input is wrong or a result cannot be written,
130 interrupted (Ctrl-C ends a run and reports what was simulated; a second Ctrl-C ends at once).";

#[derive(Subcommand)]
pub enum Verb {
    /// Simulate a scenario and report.
    Run(run::Args),
    /// Draw one run, or two side by side with common axes.
    Figure(figure::Args),
    /// Say what is wrong with scenario files, without running them.
    Check(check::Args),
    /// Manuals: kinds, links and their policies, timeline, figures, distributions, the file.
    Explain(explain::Args),
    /// List the kinds, or say what stands for a product.
    Kinds(kinds::Args),
    /// Print a scenario file to start from.
    #[command(after_help = "Example:\n  tailboard new > design.ron")]
    New,
    /// Measure how fast this machine simulates.
    Bench(bench::Args),
    /// Open the whiteboard, with a scenario if one is given.
    #[command(after_help = "Example:\n  tailboard open scenarios/news_feed.ron")]
    Open {
        /// Scenario file, or a picture that carries one.
        file: Option<PathBuf>,
    },
    /// Print shell completions.
    #[command(after_help = "Example:\n  tailboard completions bash > tailboard.bash")]
    Completions {
        /// The shell to print them for.
        shell: clap_complete::Shell,
    },
}

/// Do what was asked; `open` opens the whiteboard.
pub fn main(open: impl FnOnce(Option<PathBuf>) -> ExitCode) -> ExitCode {
    let cli = Cli::parse();
    ExitCode::from(match cli.verb {
        None => return open(None),
        Some(Verb::Open { file }) => return open(file),
        Some(Verb::Run(args)) => run::main(&args),
        Some(Verb::Figure(args)) => figure::main(&args),
        Some(Verb::Check(args)) => check::main(&args),
        Some(Verb::Explain(args)) => explain::main(&args),
        Some(Verb::Kinds(args)) => kinds::main(&args),
        Some(Verb::New) => new::main(),
        Some(Verb::Bench(args)) => bench::main(&args),
        Some(Verb::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tailboard", &mut script);
            print(&String::from_utf8_lossy(&script), GOOD)
        }
    })
}

/// Run a scenario, or the default one, and print its report: what `tailboard` does where there is no window.
pub fn run_headless(file: Option<PathBuf>) -> ExitCode {
    ExitCode::from(match file {
        Some(file) => run::main(&run::Args::of(file)),
        None => run::run_text("url_shortener.ron", DEFAULT_SCENARIO),
    })
}

/// What runs where no file is named.
pub const DEFAULT_SCENARIO: &str = include_str!("../../scenarios/url_shortener.ron");

/// Print to standard output, and end with this code. A closed pipe (`| head`) is not an error; a full disk is. Whatever
/// names and titles hold, the terminal shows it and does nothing else.
#[must_use]
pub(crate) fn print(text: &str, code: u8) -> u8 {
    print_bytes(plain::lines(text).as_bytes(), code)
}

/// Print what a program reads, as it is.
#[must_use]
pub(crate) fn print_bytes(bytes: &[u8], code: u8) -> u8 {
    use std::io::{ErrorKind, Write as _};
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            say(&format!("error: standard output cannot be written: {error}\n"));
            WRONG_INPUT
        }
        _ => code,
    }
}

/// Print to standard error, as plain as [`print`] does. Where that fails there is nobody left to tell.
pub fn say(text: &str) {
    say_drawn(&plain::lines(text));
}

/// Print diagnostics, which have colours, and in which nothing else steers the terminal.
pub(crate) fn say_drawn(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
