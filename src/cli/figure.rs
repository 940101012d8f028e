//! `figure`: draw one run, or two side by side; and the options of pictures, which `run` has too.

use super::interrupt::is_interrupted;
use super::run::{Output, prepare, progress};
use super::{GOOD, INTERRUPTED, WRONG_INPUT, say};
use crate::base::units::Quantity as _;
use crate::base::{Span, Time};
use crate::design::checks::expectations;
use crate::design::{Design, MetricPath, figures, unit_of};
use crate::export::{self, output};
use crate::figure::{self, Asked, Background, Detail, Lens, Look, Parts, Shown, ThemeName, scene::Scene};
use crate::metrics::{Frame, Report};
use crate::run::{Basis, Run, Verdict, frame, judge, series};
use crate::scenario::picture::{Carried, PictureError, embed_pair_png, embed_pair_svg, embed_png, embed_svg};
use std::path::{Path, PathBuf};

/// Draw one run, or two side by side with common axes. A picture of one run carries its scenario; one of two carries none.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  tailboard figure scenarios/cache_outage.ron --png outage.png --at 31s --scale 2
  tailboard figure before.ron after.ron --svg both.svg --theme print
  tailboard figure design.ron --png board.png --board-only --background none --lens none")]
pub struct Args {
    /// One or two scenario files; one of them may be `-`, standard input.
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    picture: PictureArgs,
}

/// What is drawn, how, and where it is written.
#[derive(clap::Args, Default)]
pub struct PictureArgs {
    /// Write a picture of board and plots as PNG; `-` is standard output, instead of the table.
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    pub png: Option<PathBuf>,
    /// The same as SVG.
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    pub svg: Option<PathBuf>,
    /// The state of this instant, instead of the averages of the run.
    #[arg(long, value_name = "TIME", help_heading = "Pictures")]
    at: Option<String>,
    /// Colours: dark, light, or print (white, readable without colour).
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = "Pictures")]
    theme: ThemeArg,
    /// What the cards are tinted by: load, latency, errors, queue, or none (names and links only).
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = "Pictures")]
    lens: LensArg,
    /// How much the board tells, for a picture that is shown small or large: block, name, glance, full or close.
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Pictures")]
    detail: DetailArg,
    /// What is behind: none, theme or white.
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = "Pictures")]
    background: BackgroundArg,
    /// The PNG is so many times as large, from 0.1 to 8; 1 if left out.
    #[arg(long, value_name = "FACTOR", help_heading = "Pictures")]
    scale: Option<f64>,
    /// Fit the picture into so many pixels, before scaling: WIDTHxHEIGHT.
    #[arg(long, value_name = "WxH", help_heading = "Pictures")]
    size: Option<String>,
    /// No plots.
    #[arg(long, conflicts_with = "plots_only", help_heading = "Pictures")]
    board_only: bool,
    /// No board.
    #[arg(long, help_heading = "Pictures")]
    plots_only: bool,
    /// One more plot: FIGURE:SUBJECT, as in `queue:db`, `hit_ratio:cache` or `goodput`; may be given several times.
    #[arg(long = "plot", value_name = "SERIES", help_heading = "Pictures")]
    plots: Vec<String>,
}

/// The names of a setting on the command line, and what they stand for.
macro_rules! choices {
    ($name:ident for $target:ident { $($choice:ident),* } default $default:ident) => {
        #[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
        enum $name {
            $($choice,)*
            #[default]
            $default,
        }

        impl $name {
            fn meant(self) -> $target {
                match self {
                    $($name::$choice => $target::$choice,)*
                    $name::$default => $target::$default,
                }
            }
        }
    };
}
choices!(ThemeArg for ThemeName { Dark, Print } default Light);
choices!(LensArg for Lens { Latency, Errors, Queue, None } default Load);
choices!(DetailArg for Detail { Block, Name, Glance, Close } default Full);
choices!(BackgroundArg for Background { None, White } default Theme);

/// Where pictures go.
pub struct Outputs {
    png: Option<Output>,
    svg: Option<Output>,
}

impl Outputs {
    /// Whether one goes to standard output.
    pub fn to_stdout(&self) -> bool {
        [&self.png, &self.svg].into_iter().flatten().any(Output::is_stdout)
    }
}

/// What was asked for, understood.
pub struct Request {
    look: Look,
    at: Option<Time>,
    scale: f64,
    size: Option<(u32, u32)>,
    plots: Vec<(String, MetricPath)>,
}

/// A run that has been drawn upon: what is left to write.
pub struct Drawn {
    design: Design,
    frame: Frame,
    asked: Vec<Asked>,
}

impl PictureArgs {
    pub fn is_asked(&self) -> bool {
        self.png.is_some() || self.svg.is_some()
    }

    /// Understand the options, before any file is opened and anything is simulated. `lengths` are those of the runs.
    ///
    /// # Errors
    /// What is wrong with them, in a line.
    pub fn request(&self, lengths: &[Time]) -> Result<Request, String> {
        let parts = match (self.board_only, self.plots_only) {
            (true, _) => Parts::Board,
            (_, true) => Parts::Plots,
            _ => Parts::All,
        };
        let scale = self.scale.unwrap_or(1.0);
        if !(0.1..=8.0).contains(&scale) {
            return Err(format!("`--scale {scale}`: expected a number from 0.1 to 8"));
        }
        if parts == Parts::Board && !self.plots.is_empty() {
            return Err("`--plot` adds a plot, and `--board-only` draws none".to_owned());
        }
        let at = self.at.as_deref().map(|text| Span::parse(text).map_err(|problem| format!("`--at`: {problem}")));
        let at = at.transpose()?.map(|span| Time(span.0));
        if let Some((at, length)) = at.and_then(|at| Some((at, lengths.iter().find(|length| at > **length)?))) {
            return Err(format!("`--at {}`: the run ends at {}", Span(at.0), Span(length.0)));
        }
        let plots = self.plots.iter().map(|text| Ok((text.clone(), path(text)?))).collect::<Result<_, String>>()?;
        let size = self.size.as_deref().map(size).transpose()?;
        Ok(Request {
            look: Look {
                theme: self.theme.meant(),
                lens: self.lens.meant(),
                detail: self.detail.meant(),
                background: self.background.meant(),
                parts,
            },
            at,
            scale,
            size,
            plots,
        })
    }

    /// Open the files, before anything is simulated.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn open(&self) -> Result<Outputs, String> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(Output::open).transpose();
        Ok(Outputs { png: open(&self.png)?, svg: open(&self.svg)? })
    }
}

/// `queue:db` and `db.queue` are the same figure.
fn path(text: &str) -> Result<MetricPath, String> {
    let wrong = |problem: &str| format!("`--plot {text}`: {problem}");
    let turned = text.split_once(':').map_or(text.to_owned(), |(figure, subject)| format!("{subject}.{figure}"));
    let path = MetricPath::parse(&turned).map_err(|problem| wrong(&problem))?;
    if path.window.is_some() { Err(wrong("a plot is of the whole run, without a window")) } else { Ok(path) }
}

/// Whether there is such a figure, and a series of it over time.
fn plottable(design: &Design, path: &MetricPath) -> Result<(), String> {
    let subject = path.subject.as_deref();
    let known = expectations::over_time(design, subject);
    match expectations::problem(design, path) {
        Some(problem) => Err(problem),
        None if figures().any(|figure| figure.name == path.figure) && !known.contains(&path.figure.as_str()) => {
            let problem = format!("`{}` is known of the whole run only, not over time", path.figure);
            Err(format!("{problem}; `{}` has {}", subject.unwrap_or("a request"), known.join(", ")))
        }
        None => Ok(()),
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let side = |text: &str| text.trim().parse::<u32>().ok().filter(|side| (16..=16_384).contains(side));
    let sides = text.split_once('x').and_then(|(w, h)| Some((side(w)?, side(h)?)));
    sides.ok_or_else(|| format!("`--size {text}`: expected WIDTHxHEIGHT, each from 16 to 16384 pixels"))
}

impl Request {
    /// Simulate to the end, keeping the state of the instant that the board shows.
    ///
    /// # Errors
    /// If a plot is about nothing that there is.
    pub fn simulate(&self, design: &Design, run: &mut Run) -> Result<(Report, Drawn), String> {
        for (title, path) in &self.plots {
            plottable(design, path).map_err(|problem| format!("`--plot {title}`: {problem}"))?;
        }
        let instant = self.at.map(|at| {
            run.approach(at, progress);
            frame(run, design, Basis::Recent)
        });
        let length = run.length();
        run.approach(length, progress);
        if is_interrupted() {
            run.stop();
        }
        let report = run.report();
        let frame = instant.unwrap_or_else(|| frame(run, design, Basis::Report(&report)));
        let asked = self.plots.iter().map(|(title, path)| asked(title, path, run)).collect::<Result<_, _>>()?;
        Ok((report, Drawn { design: design.clone(), frame, asked }))
    }

    /// Draw one run and write the picture, with the scenario in it.
    pub fn write(
        &self,
        outputs: Outputs,
        drawn: &Drawn,
        run: &Run,
        (report, verdicts): (&Report, &[Verdict]),
        scenario: String,
        code: u8,
    ) -> u8 {
        let scene = figure::scene(&shown(drawn, run, report, verdicts), &self.look);
        let carried = export::carried(scenario, report, verdicts);
        self.finish(outputs, &scene, &drawn.design.title, &Carries::Run(carried), code)
    }

    /// Print the scene, and put into the picture what it carries.
    fn finish(&self, outputs: Outputs, scene: &Scene, title: &str, carries: &Carries, mut code: u8) -> u8 {
        let problem = |problem: PictureError| problem.to_string();
        if let Some(words) = boxes(scene) {
            say(&words);
        }
        if let Some(output) = outputs.svg {
            let svg = figure::svg(scene, title, self.size);
            code = output.write(carries.svg(&svg).map(String::into_bytes).map_err(problem), code);
        }
        if let Some(output) = outputs.png {
            let png = figure::png(scene, title, self.size, self.scale);
            code = output.write(png.and_then(|png| carries.png(&png).map_err(problem)), code);
        }
        code
    }
}

/// What a picture carries.
enum Carries {
    Run(Carried),
    /// The titles of two runs.
    Pair([String; 2]),
}

impl Carries {
    fn svg(&self, svg: &str) -> Result<String, PictureError> {
        match self {
            Carries::Run(carried) => embed_svg(svg, carried),
            Carries::Pair(titles) => embed_pair_svg(svg, titles),
        }
    }

    fn png(&self, png: &[u8]) -> Result<Vec<u8>, PictureError> {
        match self {
            Carries::Run(carried) => embed_png(png, carried),
            Carries::Pair(titles) => embed_pair_png(png, titles),
        }
    }
}

/// A warning that names the characters which the picture's font does not have.
fn boxes(scene: &Scene) -> Option<String> {
    const MOST: usize = 12;
    let missing = figure::missing(scene);
    let named = missing.iter().take(MOST).map(|c| format!("{c} (U+{:04X})", u32::from(*c)));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = missing.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!missing.is_empty()).then(|| {
        format!("warning: the font of pictures has Latin, Greek and Cyrillic, and draws a box for {named}{more}\n")
    })
}

fn shown<'a>(drawn: &'a Drawn, run: &'a Run, report: &'a Report, verdicts: &[Verdict]) -> Shown<'a> {
    Shown {
        design: &drawn.design,
        frame: &drawn.frame,
        report,
        series: run.recorder().series(),
        asked: &drawn.asked,
        verdicts: Some((verdicts.iter().filter(|verdict| verdict.holds).count(), verdicts.len())),
    }
}

/// A series that was asked for; an error if no window has a value of it.
fn asked(title: &str, path: &MetricPath, run: &Run) -> Result<Asked, String> {
    let name = path.subject.as_ref().map_or(path.figure.clone(), |subject| format!("{subject}.{}", path.figure));
    let samples = series(path, run.recorder());
    if samples.iter().all(|sample| sample.value.is_none()) {
        return Err(format!("`--plot {title}`: there is no series of `{name}` in this run"));
    }
    let values = samples.into_iter().map(|sample| (sample.from, sample.until, sample.value)).collect();
    let figure = path.figure.replace('_', " ");
    let title = path.subject.as_ref().map_or(figure.clone(), |subject| format!("{subject}: {figure}"));
    Ok(Asked { title, unit: unit_of(&name), values })
}

pub fn main(args: &Args) -> u8 {
    match pictures(args) {
        Ok(code) => code,
        Err(problem) => {
            // What is wrong with a file has been said where it was read.
            if !problem.is_empty() {
                say(&format!("error: {problem}\n"));
            }
            WRONG_INPUT
        }
    }
}

fn pictures(args: &Args) -> Result<u8, String> {
    if !args.picture.is_asked() {
        return Err("nothing to write to: give `--png FILE` or `--svg FILE`".to_owned());
    }
    let prepared = args.files.iter().map(|file| prepare(file).ok_or_else(String::new));
    let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
    let request = args.picture.request(&prepared.iter().map(|(_, _, run)| run.length()).collect::<Vec<_>>())?;
    let files: Vec<&Path> = args.files.iter().map(PathBuf::as_path).collect();
    let outputs = [("--png", &args.picture.png), ("--svg", &args.picture.svg)];
    let outputs: Vec<_> = outputs.iter().filter_map(|(option, path)| Some((*option, path.as_deref()?))).collect();
    output::keep_apart(&files, &outputs)?;
    let outputs = args.picture.open()?;
    let mut runs = Vec::new();
    for (text, design, mut run) in prepared {
        let (report, drawn) = request.simulate(&design, &mut run)?;
        if report.interrupted {
            say(&format!("interrupted at {} of {}\n", Span(run.length().0), design.run.length));
            if args.files.len() > 1 {
                say("nothing was drawn: two runs are drawn when both have ended\n");
                return Ok(INTERRUPTED);
            }
        }
        let verdicts = judge(&design, run.recorder());
        runs.push((drawn, run, report, verdicts, text));
    }
    if let [(drawn, run, report, verdicts, text)] = &mut runs[..] {
        let code = if report.interrupted { INTERRUPTED } else { GOOD };
        return Ok(request.write(outputs, drawn, run, (report, verdicts), std::mem::take(text), code));
    }
    let all: Vec<Shown> =
        runs.iter().map(|(drawn, run, report, verdicts, _)| shown(drawn, run, report, verdicts)).collect();
    let (a, b) = (&all[0], &all[1]);
    let scene = figure::pair(a, b, &request.look);
    let titles = [a.design.title.clone(), b.design.title.clone()];
    Ok(request.finish(outputs, &scene, &titles.join(" · "), &Carries::Pair(titles.clone()), GOOD))
}
