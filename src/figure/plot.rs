//! A plot: curves or stacked areas over the time of the run.

use super::axis::{Axis, LOG_TICKS, times};
use super::scene::{Anchor, Dash, Label, Owner, Paint, Pen, Point, Rect, Scene, Seg, Shape, Stroke, polyline};
use super::text::{self, Weight};
use super::theme::{Color, Theme};
use crate::engine::Unit;

/// A slice of time: its middle in seconds, and the least, mean and most in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point3 {
    pub at: f64,
    pub min: f64,
    pub mean: f64,
    pub max: f64,
}

/// What a curve is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Class(usize),
    Good,
    Late,
    Failed,
    /// The commonest reason is 0.
    Reason(usize),
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Line,
    DashedLine,
    Thin,
    /// Stacked on the areas before it.
    Area,
    /// A line, with the room between least and most behind it.
    Band,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Empty: not named above the plot.
    pub label: String,
    pub ink: Ink,
    pub form: Form,
    /// None where there was nothing to measure: the line is interrupted.
    pub points: Vec<Option<Point3>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub title: String,
    /// Said beside the title.
    pub note: &'static str,
    pub unit: Unit,
    pub axis: Axis,
    pub curves: Vec<Curve>,
    /// Values that are expected not to be exceeded, with their words.
    pub bounds: Vec<(f64, String)>,
    /// Written in place of curves where there is nothing to draw.
    pub empty: Option<String>,
    /// Says nothing that the others do not: left out.
    pub is_dull: bool,
}

/// What is the same for all plots of a run. Times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    pub length: f64,
    /// Left out of the figures.
    pub warm_up: f64,
    /// The instant that the board shows, if it is not the end.
    pub instant: Option<f64>,
    pub marks: Vec<Mark>,
}

/// Something that was done, and the number that stands for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub from: f64,
    /// Absent if it stays.
    pub until: Option<f64>,
    pub number: usize,
}

/// Height of the curves' room, and what is above and below it.
const ROOM: f64 = 152.0;
const TOP: f64 = 54.0;
/// A line of names of curves.
const NAMES: f64 = 16.0;
/// Marks stand above the plot.
const MARKS: f64 = 10.0;
const BOTTOM: f64 = 22.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 10.0;

/// Names of curves and bounds, cut where they are very long, and where their samples begin. A bound has no curve.
fn names(panel: &Panel, width: f64) -> Vec<(Option<&Curve>, String, Point)> {
    let (mut x, mut y) = (0.0, 31.0);
    let curves = panel.curves.iter().filter(|curve| !curve.label.is_empty() && panel.empty.is_none());
    let curves = curves.map(|curve| (Some(curve), &curve.label));
    let place = |(curve, words): (_, &String)| {
        let words = text::fit(words, 11.0, Weight::Regular, 190.0f64.min(width - 20.0));
        let wide = 20.0 + text::width(&words, 11.0, Weight::Regular);
        if x > 0.0 && x + wide > width {
            (x, y) = (0.0, y + NAMES);
        }
        let at = Point::new(x, y);
        x += wide + 14.0;
        (curve, words, at)
    };
    curves.chain(panel.bounds.iter().map(|(_, words)| (None, words))).map(place).collect()
}

/// Lines that the names of a plot's curves take.
pub fn name_lines(panel: &Panel, width: f64) -> usize {
    names(panel, width).last().map_or(1, |(_, _, at)| 1 + ((at.y - 31.0) / NAMES) as usize)
}

/// Draw a plot, the `index`th of the picture, of this width and with room for so many lines of names.
pub fn draw(panel: &Panel, timeline: &Timeline, (width, lines): (f64, usize), index: u32, theme: &Theme) -> Scene {
    let top = TOP + NAMES * (lines.max(1) - 1) as f64;
    let mut scene = Scene { width, height: top + ROOM + BOTTOM, ..Scene::default() };
    let mut pen = Pen { items: &mut scene.items, owner: Owner::Plot(index) };
    let room = Rect::new(LEFT, top, width - LEFT - RIGHT, ROOM);
    let plot = Plot { panel, timeline, room, theme };
    plot.heading(&mut pen, width);
    plot.grid(&mut pen);
    if panel.empty.is_none() {
        plot.curves(&mut pen);
    }
    plot.bounds(&mut pen);
    plot.marks(&mut pen);
    if let Some(words) = &panel.empty {
        let words = label(room.center().x, room.center().y + 4.0, Anchor::Middle, 12.0, words);
        // Marks may pass there.
        pen.rect("empty-ground", words.bounds().grown(4.0), 3.0, Paint::fill(theme.background));
        pen.text("empty", words, theme.muted);
    }
    scene
}

fn label(x: f64, y: f64, anchor: Anchor, size: f64, words: &str) -> Label {
    Label { at: Point::new(x, y), anchor, size, weight: Weight::Regular, text: words.to_owned() }
}

struct Plot<'a> {
    panel: &'a Panel,
    timeline: &'a Timeline,
    room: Rect,
    theme: &'a Theme,
}

impl Plot<'_> {
    fn x(&self, seconds: f64) -> f64 {
        self.room.x + self.room.w * (seconds / self.timeline.length.max(1e-12)).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        self.room.bottom() - self.room.h * self.panel.axis.share(value)
    }

    fn color(&self, ink: Ink) -> Color {
        let theme = self.theme;
        match ink {
            Ink::Class(class) if theme.is_print() => {
                if class < 3 {
                    theme.text
                } else {
                    theme.broken
                }
            }
            Ink::Class(class) => theme.class(class).0,
            Ink::Good => theme.busy,
            Ink::Late => theme.strained,
            Ink::Failed | Ink::Reason(0) => theme.failing,
            Ink::Reason(1) => theme.text,
            Ink::Reason(2) | Ink::Text => theme.muted,
            Ink::Reason(_) => theme.link,
        }
    }

    /// Classes differ in their dashes where there is no colour, or where all colours were used.
    fn stroke(&self, curve: &Curve) -> Stroke {
        let (width, mut dash) = match curve.form {
            Form::Thin => (1.25, Dash::Solid),
            Form::DashedLine => (1.75, Dash::Dashed),
            _ => (2.0, Dash::Solid),
        };
        if let Ink::Class(class) = curve.ink {
            let repeats = class / self.theme.classes.len();
            let kind = if self.theme.is_print() { class } else { repeats };
            dash = match (kind % 3, dash) {
                (0, dash) => dash,
                (1, _) => Dash::Dashed,
                _ => Dash::Dotted,
            };
        }
        match curve.ink {
            Ink::Reason(2) => dash = Dash::Dotted,
            Ink::Reason(k) if k > 2 => return Stroke::solid(self.color(curve.ink), 1.25),
            _ => {}
        }
        Stroke { color: self.color(curve.ink), width, dash }
    }

    /// The title, and what the curves are called.
    fn heading(&self, pen: &mut Pen, width: f64) {
        let theme = self.theme;
        let title = text::fit(&self.panel.title, 13.0, Weight::SemiBold, width - 8.0);
        let title = Label { weight: Weight::SemiBold, ..label(0.0, 13.0, Anchor::Start, 13.0, &title) };
        let note = label(title.width() + 8.0, 13.0, Anchor::Start, 11.0, self.panel.note);
        if note.at.x + note.width() <= width {
            pen.text("note", note, theme.muted);
        }
        pen.text("title", title, theme.text);
        for (curve, words, at) in names(self.panel, width) {
            let (x, y) = (at.x, at.y);
            let (from, to) = (Point::new(x, y - 4.0), Point::new(x + 16.0, y - 4.0));
            match curve {
                Some(Curve { form: Form::Area, ink, .. }) => {
                    self.area_paint(pen, "sample", Rect::new(x, y - 9.0, 16.0, 10.0), *ink);
                }
                Some(curve) => self.line(pen, "sample", &[from, to], self.stroke(curve)),
                None => pen.line("sample", from, to, self.bound_stroke()),
            }
            pen.text("name", label(x + 20.0, y, Anchor::Start, 11.0, &words), theme.muted);
        }
    }

    fn area_paint(&self, pen: &mut Pen, slot: &'static str, rect: Rect, ink: Ink) {
        pen.rect(slot, rect, 1.0, Paint::fill(self.area_color(ink)));
        if ink == Ink::Late {
            pen.hatch(slot, rect, 4.0, Stroke::solid(self.theme.hatch, 0.75));
        }
        if let Some(outline) = self.theme.outline {
            pen.rect(slot, rect, 1.0, Paint::line(outline, 0.75));
        }
    }

    fn area_color(&self, ink: Ink) -> Color {
        let theme = self.theme;
        match ink {
            Ink::Good if theme.is_print() => theme.faint,
            Ink::Failed if theme.is_print() => theme.broken,
            Ink::Good => theme.background.mix(theme.busy, 0.55),
            other => self.color(other),
        }
    }

    /// A line; on light grounds with a thin dark edge, because the colours are pale there.
    fn line(&self, pen: &mut Pen, slot: &'static str, points: &[Point], stroke: Stroke) {
        let pale = self.theme.classes.contains(&stroke.color) || stroke.color == self.theme.busy;
        let Some(outline) = self.theme.outline.filter(|_| pale && !self.theme.is_print()) else {
            return pen.draw(slot, Shape::Path(polyline(points)), Paint { fill: None, stroke: Some(stroke) });
        };
        // A dashed edge would have longer dashes than its line: both are cut here.
        let path = if stroke.dash == Dash::Dashed { dashed(points, 6.0, 4.0) } else { polyline(points) };
        let dash = if stroke.dash == Dash::Dashed { Dash::Solid } else { stroke.dash };
        let width = stroke.width + 0.5 * stroke.width.min(2.0);
        for (color, width) in [(outline.mix(stroke.color, 0.35), width), (stroke.color, stroke.width)] {
            let stroke = Stroke { color, width, dash };
            pen.draw(slot, Shape::Path(path.clone()), Paint { fill: None, stroke: Some(stroke) });
        }
    }

    fn grid(&self, pen: &mut Pen) {
        let (room, theme) = (self.room, self.theme);
        if self.timeline.warm_up > 0.0 {
            let wide = self.x(self.timeline.warm_up) - room.x;
            let shade = if theme.is_print() { Color(242, 242, 242) } else { theme.background.mix(theme.faint, 0.6) };
            pen.rect("warm-up", Rect { w: wide, ..room }, 0.0, Paint::fill(shade));
        }
        let axis = &self.panel.axis;
        let most = if axis.is_log { LOG_TICKS } else { 5 };
        let ticks = if self.panel.empty.is_some() { Vec::new() } else { axis.ticks(self.panel.unit, most) };
        for tick in ticks {
            let y = self.y(tick.at);
            pen.line("grid", Point::new(room.x, y), Point::new(room.right(), y), Stroke::solid(theme.faint, 1.0));
            pen.text("tick", label(room.x - 7.0, y + 4.0, Anchor::End, 11.0, &tick.text), theme.muted);
        }
        let axis = Stroke::solid(theme.link, 1.0);
        pen.line("axis", Point::new(room.x, room.bottom()), Point::new(room.right(), room.bottom()), axis);
        let mut free = f64::NEG_INFINITY;
        for tick in times(self.timeline.length, (room.w / 52.0) as usize) {
            let x = self.x(tick.at);
            pen.line("axis", Point::new(x, room.bottom()), Point::new(x, room.bottom() + 4.0), axis);
            let mut words = label(x, room.bottom() + 16.0, Anchor::Middle, 11.0, &tick.text);
            let beyond = words.left() + words.width() - (room.right() + RIGHT);
            words.at.x -= beyond.max(0.0);
            if words.left() > free {
                free = words.left() + words.width() + 6.0;
                pen.text("tick", words, theme.muted);
            }
        }
    }

    fn curves(&self, pen: &mut Pen) {
        let n = self.panel.curves.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
        let mut below = vec![0.0; n];
        for curve in &self.panel.curves {
            match curve.form {
                Form::Area => self.area(pen, curve, &mut below),
                Form::Band => self.band(pen, curve),
                _ => {}
            }
            if curve.form == Form::Area {
                continue;
            }
            for run in runs(&curve.points) {
                let mut points: Vec<Point> = run.iter().map(|p| Point::new(self.x(p.at), self.y(p.mean))).collect();
                if let [only] = points[..] {
                    // A single slice is a dash of its own.
                    points = vec![Point::new(only.x - 2.0, only.y), Point::new(only.x + 2.0, only.y)];
                } else if curve.ink == Ink::Text && run.len() == curve.points.len() {
                    // As long as the areas that it is drawn over.
                    points.insert(0, Point::new(self.room.x, points[0].y));
                    points.push(Point::new(self.end(&curve.points), points[points.len() - 1].y));
                }
                self.line(pen, "curve", &points, self.stroke(curve));
            }
        }
    }

    /// Where the last slice ends: that of a run beside a longer one, before the axis does.
    fn end(&self, points: &[Option<Point3>]) -> f64 {
        let [.., Some(before), Some(last)] = points else { return self.room.right() };
        let end = last.at + (last.at - before.at) / 2.0;
        if end > 0.98 * self.timeline.length { self.room.right() } else { self.x(end) }
    }

    fn area(&self, pen: &mut Pen, curve: &Curve, below: &mut [f64]) {
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        let last = curve.points.len().saturating_sub(1);
        for (i, (point, base)) in curve.points.iter().zip(below.iter_mut()).enumerate() {
            let Some(point) = point else { continue };
            let top = *base + point.mean;
            let mut column = |x: f64| {
                upper.push(Point::new(x, self.y(top)));
                lower.push(Point::new(x, self.y(*base)));
            };
            // The first and last slice reach to the ends of the run.
            if i == 0 {
                column(self.room.x);
            }
            column(self.x(point.at));
            if i == last {
                column(self.end(&curve.points));
            }
            *base = top;
        }
        if upper.len() < 2 {
            return;
        }
        let edge = upper.clone();
        let hatched: Vec<(Point, Point)> = upper.iter().copied().zip(lower.iter().copied()).collect();
        upper.extend(lower.into_iter().rev());
        pen.polygon("area", &upper, Paint::fill(self.area_color(curve.ink)));
        if curve.ink == Ink::Late {
            self.rain(pen, &hatched);
        }
        if let Some(outline) = self.theme.outline {
            pen.draw("area-edge", Shape::Path(polyline(&edge)), Paint::line(outline, 0.75));
        }
    }

    /// Upright lines in an area: a fill that needs no colour.
    fn rain(&self, pen: &mut Pen, columns: &[(Point, Point)]) {
        let mut segs = Vec::new();
        let mut free = f64::NEG_INFINITY;
        for (top, bottom) in columns.iter().filter(|(top, bottom)| bottom.y - top.y > 1.0) {
            if top.x >= free {
                segs.extend([Seg::Move(*top), Seg::Line(*bottom)]);
                free = top.x + 4.0;
            }
        }
        if !segs.is_empty() {
            pen.draw("area-hatch", Shape::Path(segs), Paint::line(self.theme.hatch, 0.75));
        }
    }

    fn band(&self, pen: &mut Pen, curve: &Curve) {
        let color = self.color(curve.ink);
        let pale = if self.theme.is_print() { self.theme.faint } else { self.theme.background.mix(color, 0.35) };
        for run in runs(&curve.points).filter(|run| run.len() > 1) {
            let mut outline: Vec<Point> = run.iter().map(|p| Point::new(self.x(p.at), self.y(p.max))).collect();
            outline.extend(run.iter().rev().map(|p| Point::new(self.x(p.at), self.y(p.min))));
            pen.polygon("band", &outline, Paint::fill(pale));
        }
    }

    fn bound_stroke(&self) -> Stroke {
        Stroke { color: self.theme.text, width: 1.25, dash: Dash::Dashed }
    }

    fn bounds(&self, pen: &mut Pen) {
        for (value, _) in &self.panel.bounds {
            let y = self.y(*value);
            pen.line("bound", Point::new(self.room.x, y), Point::new(self.room.right(), y), self.bound_stroke());
        }
    }

    fn marks(&self, pen: &mut Pen) {
        let (room, theme) = (self.room, self.theme);
        if let Some(instant) = self.timeline.instant {
            let x = self.x(instant);
            pen.line("instant", Point::new(x, room.y), Point::new(x, room.bottom()), Stroke::solid(theme.text, 1.25));
        }
        for &Mark { from, until, number } in &self.timeline.marks {
            let x = self.x(from);
            let stroke = Stroke { color: theme.muted, width: 1.0, dash: Dash::Dashed };
            let y = room.y - MARKS;
            pen.line("mark", Point::new(x, y), Point::new(x, room.bottom()), stroke);
            if let Some(until) = until {
                let wide = (self.x(until) - x).max(1.0);
                pen.rect("mark-span", Rect::new(x, y - 1.5, wide, 3.0), 1.0, Paint::fill(theme.muted));
            }
            pen.circle("mark-number", Point::new(x, y), 7.0, Paint::fill(theme.muted));
            let words = label(x, y + 3.6, Anchor::Middle, 10.0, &number.to_string());
            pen.text("mark-text", Label { weight: Weight::SemiBold, ..words }, theme.background);
        }
    }
}

/// A line from point to point in dashes, with gaps between them.
fn dashed(points: &[Point], dash: f64, gap: f64) -> Vec<Seg> {
    let mut segs = Vec::new();
    let (mut is_dash, mut left) = (true, dash);
    for (n, pair) in points.windows(2).enumerate() {
        let (from, to) = (pair[0], pair[1]);
        let length = ((to.x - from.x) * (to.x - from.x) + (to.y - from.y) * (to.y - from.y)).sqrt();
        let at = |done: f64| {
            let share = done / length;
            Point::new(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share)
        };
        if n == 0 {
            segs.push(Seg::Move(from));
        }
        let mut done = 0.0;
        while length - done > left {
            done += left;
            segs.push(if is_dash { Seg::Line(at(done)) } else { Seg::Move(at(done)) });
            is_dash = !is_dash;
            left = if is_dash { dash } else { gap };
        }
        left -= length - done;
        if is_dash {
            segs.push(Seg::Line(to));
        }
    }
    segs
}

/// Stretches without a gap.
fn runs(points: &[Option<Point3>]) -> impl Iterator<Item = Vec<Point3>> {
    points.split(Option::is_none).filter(|run| !run.is_empty()).map(|run| run.iter().copied().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_around_corners() {
        let points = [(0.0, 0.0), (8.0, 0.0), (8.0, 8.0)].map(|(x, y)| Point::new(x, y));
        let (m, l) = (|x, y| Seg::Move(Point::new(x, y)), |x, y| Seg::Line(Point::new(x, y)));
        assert_eq!(dashed(&points, 6.0, 4.0), [m(0.0, 0.0), l(6.0, 0.0), m(8.0, 2.0), l(8.0, 8.0)]);
    }
}
