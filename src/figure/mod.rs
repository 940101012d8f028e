//! A picture of a design and its run: a pure function from (design, frame, recording, look) to a flat list of primitives.
//! SVG is the first printer, and PNG is painted from it; a window's canvas can be another.

pub mod axis;
pub mod board;
mod card;
mod copies;
mod detail;
pub mod dots;
pub mod icons;
mod layout;
mod legend;
mod link;
mod near;
mod notes;
pub mod plot;
mod png;
mod ranks;
mod room;
mod route;
pub mod scene;
pub mod series;
mod small;
mod state;
mod svg;
pub mod text;
pub mod theme;

pub use detail::Detail;
pub use png::write as png;
pub use series::Asked;
pub use state::sentence;
pub use svg::write as svg;
pub use theme::ThemeName;

use crate::base::{Time, short};
use crate::design::Design;
use crate::engine::Unit;
use crate::metrics::{Frame, Report, Series};
use board::Board;
use plot::{Mark, Panel, Timeline};
use scene::{Anchor, Label, Owner, Pen, Point, Rect, Scene, Shape};
use std::collections::BTreeSet;
use text::Weight;
use theme::{Color, Theme};

/// What cards are tinted by; one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lens {
    #[default]
    Load,
    Latency,
    Errors,
    Queue,
    /// Names and links only.
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    None,
    #[default]
    Theme,
    White,
}

/// Which parts of the picture are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parts {
    #[default]
    All,
    Board,
    Plots,
}

/// How a picture looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    pub theme: ThemeName,
    pub lens: Lens,
    pub detail: Detail,
    pub background: Background,
    pub parts: Parts,
}

/// A run to be drawn.
pub struct Shown<'a> {
    pub design: &'a Design,
    /// What the board shows.
    pub frame: &'a Frame,
    pub report: &'a Report,
    pub series: &'a Series,
    /// Plots besides the usual ones.
    pub asked: &'a [Asked],
    /// How many expectations hold, and of how many; none if they were not judged.
    pub verdicts: Option<(usize, usize)>,
}

const MARGIN: f64 = 32.0;
/// The narrowest page: a question in two lines, and two plots side by side.
const NARROWEST: f64 = 760.0;
const PLOT: f64 = 330.0;
const GAP: f64 = 24.0;
/// The narrowest legend that stands beside a board, and how far from it.
const ASIDE: f64 = 216.0;
const BESIDE: f64 = 44.0;
/// It may be so many times as long as the board.
const LONGER: f64 = 1.15;

/// Draw a run.
pub fn scene(shown: &Shown, look: &Look) -> Scene {
    let classes = shown.design.classes();
    let format = Format { width: NARROWEST, length: longest(&[shown]), ..Format::default() };
    page(shown, look, &panels(shown, &classes), &classes, &format).0
}

/// Room for a card with all that it may show, and for a queue beside it.
const ROOM: (f64, f64, f64) = (card::WIDTH, 120.0, 24.0);

/// Places for these nodes (all, if none are named) from left to right along their links: upper left corners.
pub fn laid_out(design: &Design, names: &[String]) -> Vec<(String, (f32, f32))> {
    let is_free = |name: &String| names.is_empty() || names.contains(name);
    let numbers: Vec<&String> = design.nodes.keys().collect();
    let number = |name: &String| numbers.iter().position(|other| *other == name);
    let links = design.links.iter().filter_map(|link| Some((number(&link.from)?, number(&link.to)?)));
    let blocks = design.nodes.iter().map(|(name, node)| layout::Block {
        width: ROOM.0,
        height: ROOM.1,
        gutter: ROOM.2,
        at: node.at.filter(|_| !is_free(name)).map(|(x, y)| Point::new(f64::from(x), f64::from(y))),
    });
    let places = layout::place(&blocks.collect::<Vec<_>>(), &links.collect::<Vec<_>>());
    let placed = numbers.into_iter().zip(places).filter(|(name, _)| is_free(name));
    placed.map(|(name, at)| (name.clone(), (at.x as f32, at.y as f32))).collect()
}

/// Draw two runs side by side, their plots with the same axes.
pub fn pair(a: &Shown, b: &Shown, look: &Look) -> Scene {
    let (of_a, of_b) = (a.design.classes(), b.design.classes());
    let (mut left, mut right) = (panels(a, &of_a), panels(b, &of_b));
    for one in &mut left {
        if let Some(other) = right.iter_mut().find(|other| other.title == one.title) {
            one.axis = one.axis.union(&other.axis);
            other.axis = one.axis;
            let is_dull = one.is_dull && other.is_dull;
            (one.is_dull, other.is_dull) = (is_dull, is_dull);
        }
    }
    let mut format = Format { width: NARROWEST, length: longest(&[a, b]), ..Format::default() };
    // Once to see how large each is, then with what both need.
    for (shown, panels, classes) in [(a, &left, &of_a), (b, &right, &of_b)] {
        let (drawn, plots) = page(shown, look, panels, classes, &format);
        format = Format { width: drawn.width - 2.0 * MARGIN, plots: plots.max(format.plots), ..format };
    }
    format.lines = left.iter().chain(&right).map(|panel| plot::name_lines(panel, PLOT)).max().unwrap_or(1);
    let page = |shown, panels: &[Panel], classes: &[String]| page(shown, look, panels, classes, &format).0;
    let (left, right) = (page(a, &left, &of_a), page(b, &right, &of_b));
    let theme = Theme::of(look.theme);
    let mut scene = Scene {
        width: left.width + right.width,
        height: left.height.max(right.height),
        background: left.background,
        items: Vec::new(),
    };
    let middle = left.width;
    scene.append(left, 0.0, 0.0);
    scene.append(right, middle, 0.0);
    let mut pen = Pen { items: &mut scene.items, owner: Owner::Page };
    let (top, bottom) = (Point::new(middle, MARGIN), Point::new(middle, scene.height - MARGIN));
    pen.line("divider", top, bottom, scene::Stroke::solid(theme.faint, 1.0));
    scene
}

/// The characters of a scene that the embedded font does not have: boxes are drawn for them.
pub fn missing(scene: &Scene) -> BTreeSet<char> {
    let labels = scene.items.iter().filter_map(|item| match &item.shape {
        Shape::Text(label) => Some(label),
        _ => None,
    });
    labels.flat_map(|label| text::missing(&label.text, label.weight)).collect()
}

/// What a page has in common with another.
#[derive(Clone, Copy, Debug, Default)]
struct Format {
    /// Of what is drawn, at least.
    width: f64,
    /// Where the plots begin, at the earliest.
    plots: f64,
    /// Lines of names above the plots, at least.
    lines: usize,
    /// Seconds on the axis of time.
    length: f64,
}

fn longest(shown: &[&Shown]) -> f64 {
    shown.iter().map(|shown| shown.design.run.length.as_secs()).fold(0.0, f64::max)
}

fn panels(shown: &Shown, classes: &[String]) -> Vec<Panel> {
    series::panels(&series::Recording { design: shown.design, series: shown.series, classes, asked: shown.asked })
}

/// Title and question, the board with its legend, and the plots; and where these begin.
fn page(shown: &Shown, look: &Look, panels: &[Panel], classes: &[String], format: &Format) -> (Scene, f64) {
    let theme = Theme::of(look.theme);
    let view = board::View { lens: look.lens, detail: look.detail, places: board::Places::Tidy };
    let board = (look.parts != Parts::Plots)
        .then(|| board::draw(shown.design, shown.frame, &theme, view, &mut board::Memory::default()));
    let wide = board.as_ref().map_or(0.0, |board| board.scene.width);
    let width = wide.max(format.width);
    let mut scene = Scene { width: width + 2.0 * MARGIN, ..Scene::default() };
    let mut y = heading(&mut scene, shown, width, &theme, look);
    if let Some(board) = board {
        let (wide, tall) = (board.scene.width, board.scene.height);
        let Board { sampling, heat, .. } = board;
        let context = legend::Context { theme: &theme, sampling, classes, heat, detail: look.detail };
        // Beside a narrow board, where it is not longer than that; else below.
        let aside = Some(width - wide - BESIDE).filter(|room| *room >= ASIDE && !board.keys.is_empty());
        let aside = aside.map(|room| legend::draw(&board.keys, &context, legend::Form::Column, room));
        let is_aside = aside.as_ref().is_some_and(|legend| legend.height <= tall * LONGER);
        let dx = if is_aside { 0.0 } else { (width - wide) / 2.0 };
        scene.append(board.scene, MARGIN + dx, y);
        if let Some(legend) = aside.filter(|_| is_aside) {
            let height = legend.height;
            scene.append(legend, MARGIN + wide + BESIDE, y + card::OVERHANG);
            y += tall.max(card::OVERHANG + height) + GAP;
        } else {
            y += tall + GAP;
            let legend = legend::draw(&board.keys, &context, legend::Form::Lines, width);
            if legend.height > 0.0 {
                let height = legend.height;
                scene.append(legend, MARGIN, y);
                y += height + GAP;
            }
        }
    }
    let top = y.max(format.plots);
    if look.parts != Parts::Board {
        y = plots(&mut scene, shown, panels, Rect::new(MARGIN, top, width, 0.0), format, &theme);
    }
    scene.height = y - GAP + MARGIN;
    scene.background = match look.background {
        Background::None => None,
        Background::Theme => Some(theme.background),
        Background::White => Some(Color(255, 255, 255)),
    };
    (scene, top)
}

fn line(x: f64, y: f64, size: f64, weight: Weight, words: String) -> Label {
    Label { at: Point::new(x, y), anchor: Anchor::Start, size, weight, text: words }
}

/// Title, question and what the figures are about. Returns where the next part begins.
fn heading(scene: &mut Scene, shown: &Shown, width: f64, theme: &Theme, look: &Look) -> f64 {
    let mut pen = Pen { items: &mut scene.items, owner: Owner::Page };
    let mut y = MARGIN + 18.0;
    let titles = text::wrap(&shown.design.title, 22.0, Weight::SemiBold, width, 2);
    for (i, title) in titles.iter().enumerate() {
        y += if i > 0 { 28.0 } else { 0.0 };
        pen.text("title", line(MARGIN, y, 22.0, Weight::SemiBold, title.clone()), theme.text);
    }
    y += if titles.is_empty() { 0.0 } else { 24.0 };
    for words in text::balanced(&shown.design.question, 14.0, Weight::Regular, width, 3) {
        pen.text("question", line(MARGIN, y, 14.0, Weight::Regular, words), theme.text);
        y += 19.0;
    }
    if look.lens != Lens::None || look.parts == Parts::Plots {
        for words in text::wrap(&facts(shown, look), 11.0, Weight::Regular, width, 2) {
            pen.text("facts", line(MARGIN, y + 1.0, 11.0, Weight::Regular, words), theme.muted);
            y += 16.0;
        }
    }
    y + 10.0
}

fn facts(shown: &Shown, look: &Look) -> String {
    let (frame, report) = (shown.frame, shown.report);
    let second = |time: Time| axis::moment(time.as_secs());
    let mut facts = vec![format!("{} simulated, seed {}", axis::moment(report.length), report.seed)];
    if report.interrupted {
        facts.push("interrupted".to_owned());
    }
    if look.parts != Parts::Plots {
        facts.push(if frame.whole_run {
            format!(
                "figures are averages from {} to {}, dots and replicas as at the end",
                second(frame.since),
                second(frame.at)
            )
        } else {
            format!("the state at {}; rates, shares and percentiles since {}", second(frame.at), second(frame.since))
        });
    }
    let total = &report.total;
    let ended = total.good + total.late + total.failed.values().sum::<u64>();
    if ended > 0 {
        let good = short::percent(total.good as f64 / ended as f64);
        let rate = axis::text(total.offered_rate, Unit::PerSecond);
        facts.push(format!("{rate} offered in the whole run, {good} answered in time"));
    }
    if let Some((hold, all)) = shown.verdicts.filter(|(_, all)| *all > 0) {
        facts.push(if hold == all {
            format!("all {all} expectations hold")
        } else {
            format!("{hold} of {all} expectations hold")
        });
    }
    // Lines end between facts.
    facts.iter().map(|fact| fact.replace(' ', "\u{a0}")).collect::<Vec<_>>().join(" · ")
}

/// The plots in rows from the top of the room on, and what their marks stand for. Returns where the next part begins.
fn plots(scene: &mut Scene, shown: &Shown, panels: &[Panel], room: Rect, format: &Format, theme: &Theme) -> f64 {
    let width = room.w;
    let panels: Vec<&Panel> = panels.iter().filter(|panel| !panel.is_dull).collect();
    let fit = (((width + GAP) / (PLOT + GAP)) as usize).clamp(1, panels.len());
    let rows = panels.len().div_ceil(fit);
    let columns = panels.len().div_ceil(rows);
    let (marks, mut words) = marks(shown);
    if shown.report.warm_up > 0.0 {
        words.insert(0, "Shaded: the warm-up, left out of the figures.".to_owned());
    }
    if !shown.frame.whole_run {
        words.insert(0, "Upright line: the instant that the board shows.".to_owned());
    }
    let timeline = Timeline {
        length: format.length,
        warm_up: shown.report.warm_up,
        instant: (!shown.frame.whole_run).then(|| shown.frame.at.as_secs()),
        marks,
    };
    let mut y = room.y;
    for (r, row) in panels.chunks(columns).enumerate() {
        // The last row may have fewer, which are wider.
        let wide = (width - GAP * (row.len() - 1) as f64) / row.len() as f64;
        let lines = row.iter().map(|panel| plot::name_lines(panel, wide)).max().unwrap_or(1).max(format.lines);
        let mut height = 0.0;
        for (column, panel) in row.iter().enumerate() {
            let plot = plot::draw(panel, &timeline, (wide, lines), (r * columns + column) as u32, theme);
            height = plot.height;
            scene.append(plot, MARGIN + (wide + GAP) * column as f64, y);
        }
        y += height + GAP;
    }
    let mut pen = Pen { items: &mut scene.items, owner: Owner::Page };
    for words in text::wrap(&words.join("   "), 11.0, Weight::Regular, width, 6) {
        pen.text("marks", line(MARGIN, y - 4.0, 11.0, Weight::Regular, words), theme.muted);
        y += 16.0;
    }
    y + if words.is_empty() { 0.0 } else { 4.0 }
}

/// The interventions: those of one time and length have one mark.
fn marks(shown: &Shown) -> (Vec<Mark>, Vec<String>) {
    let mut all: Vec<_> = shown.design.timeline.iter().collect();
    all.sort_by_key(|intervention| (intervention.at, intervention.lasting));
    let (mut marks, mut words) = (Vec::new(), Vec::new());
    for group in all.chunk_by(|a, b| (a.at, a.lasting) == (b.at, b.lasting)) {
        let (from, until) = (group[0].at, group[0].lasting.map(|lasting| group[0].at + lasting));
        let number = marks.len() + 1;
        let what = group.iter().map(|intervention| sentence(&intervention.action)).collect::<Vec<_>>().join(", ");
        let when = match until {
            Some(until) => format!("{}–{}", axis::moment(from.as_secs()), axis::moment(until.as_secs())),
            None => axis::moment(from.as_secs()),
        };
        let when = when.replace(' ', "\u{a0}");
        marks.push(Mark { from: from.as_secs(), until: until.map(|until| until.as_secs()), number });
        words.push(format!("({number})\u{a0}{when}:\u{a0}{what}"));
    }
    (marks, words)
}
