//! Links: how wide, and where their labels stand.

use super::card::cross;
use super::legend::{Key, Keys};
use super::near::Near;
use super::route;
use super::scene::{Anchor, Dash, Label, Paint, Pen, Point, Rect, Seg, Shape, Stroke};
use super::text::Weight;
use super::theme::Theme;
use crate::base::{maths, short};
use crate::metrics::LinkFrame;

/// From this share of timeouts on a link is dashed.
const TIMEOUTS: f64 = 0.001;
const CORNER: f64 = 8.0;
/// Of more links no label finds a place where it is read.
const MOST_LABELLED: usize = 1_000;

/// A link to be drawn.
#[derive(Clone, Debug)]
pub struct Wire<'a> {
    pub name: &'a str,
    /// Corners, from the edge of the caller's card to that of the callee's.
    pub way: Vec<Point>,
    /// Without it only the line is drawn.
    pub frame: Option<&'a LinkFrame>,
    pub is_async: bool,
    /// It carries orders, not calls.
    pub is_control: bool,
    /// Nothing passes.
    pub is_broken: bool,
    /// Its place in the order of its node's calls, where there is an order.
    pub step: Option<u16>,
}

impl Wire<'_> {
    /// Width of the line, by how many calls there are.
    pub fn width(&self) -> f64 {
        match self.frame {
            Some(frame) if !self.is_control => 1.5 + 1.1 * maths::log10(1.0 + frame.rate),
            _ => 1.5,
        }
    }

    fn head(&self) -> (f64, f64) {
        let width = self.width();
        (7.0 + 0.9 * width, 3.2 + 0.65 * width)
    }

    /// Where its step number stands.
    pub fn step_at(&self) -> Option<Point> {
        self.step.map(|_| route::along(&self.way, 12.0))
    }

    pub fn draw(&self, pen: &mut Pen, theme: &Theme, keys: &mut Keys) {
        let Some((&end, &before)) = self.way.last().zip(self.way.iter().rev().nth(1)) else { return };
        let (length, half) = self.head();
        let step = (end.x - before.x).abs() + (end.y - before.y).abs();
        let back = (if self.is_async { 2.0 } else { length - 1.0 }).min(step);
        let towards = Point::new((end.x - before.x) / step.max(1e-9), (end.y - before.y) / step.max(1e-9));
        let mut way = self.way.clone();
        if let Some(last) = way.last_mut() {
            *last = Point::new(end.x - towards.x * back, end.y - towards.y * back);
        }
        let timeouts = self.frame.is_some_and(|frame| frame.timeout_share >= TIMEOUTS);
        let (dash, color) = match (self.is_control, self.is_broken) {
            (true, _) => (Dash::Dotted, theme.link),
            (_, true) => (Dash::Solid, theme.broken),
            _ => (if timeouts { Dash::Dashed } else { Dash::Solid }, theme.link),
        };
        let line = Stroke { color, width: self.width(), dash };
        pen.draw("line", Shape::Path(rounded(&way)), Paint { fill: None, stroke: Some(line) });
        let side = |along: f64, across: f64| {
            Point::new(end.x - towards.x * along - towards.y * across, end.y - towards.y * along + towards.x * across)
        };
        if self.is_async || self.is_control {
            let segs = vec![Seg::Move(side(length, half)), Seg::Line(end), Seg::Line(side(length, -half))];
            let width = self.width().min(2.5);
            pen.draw("head", Shape::Path(segs), Paint::line(color, width));
        } else {
            pen.polygon("head", &[end, side(length, half), side(length, -half)], Paint::fill(color));
        }
        match (self.is_control, self.is_async, timeouts && !self.is_broken) {
            (true, ..) => keys.add(Key::Control),
            (_, asynchronous, timeouts) => {
                if asynchronous {
                    keys.add(Key::Async);
                } else if self.frame.is_some() {
                    keys.add(Key::Sync);
                }
                if timeouts {
                    keys.add(Key::Timeouts);
                }
            }
        }
        if self.is_broken {
            keys.add(Key::Broken);
            let middle = route::along(&self.way, route::length(&self.way) / 2.0);
            cross(pen, "broken", middle, 6.0, Stroke::solid(theme.failing, 2.5));
        }
    }

    /// The number of its step, in a circle on the line.
    pub fn draw_step(&self, pen: &mut Pen, theme: &Theme, keys: &mut Keys) {
        let Some((step, at)) = self.step.zip(self.step_at()) else { return };
        keys.add(Key::Step);
        pen.circle("step", at, 7.0, Paint::fill(theme.background).outlined(theme.link, 1.25));
        let label = Label {
            at: Point::new(at.x, at.y + 3.6),
            anchor: Anchor::Middle,
            size: 10.0,
            weight: Weight::SemiBold,
            text: step.to_string(),
        };
        pen.text("step-text", label, theme.text);
    }

    /// What its label says: calls per second, and the share of failures.
    pub fn label(&self) -> Option<(String, Option<String>)> {
        let frame = self.frame.filter(|frame| !self.is_control && frame.rate > 0.0)?;
        let failed = (frame.failed_share > 0.0).then(|| short::percent(frame.failed_share));
        Some((short::rate(frame.rate), failed))
    }
}

/// A way with round corners.
fn rounded(way: &[Point]) -> Vec<Seg> {
    let mut segs = vec![Seg::Move(way[0])];
    let towards = |from: Point, to: Point, by: f64| {
        let length = ((from.x - to.x).abs() + (from.y - to.y).abs()).max(1e-9);
        Point::new(from.x + (to.x - from.x) * by / length, from.y + (to.y - from.y) * by / length)
    };
    let length = |a: Point, b: Point| (a.x - b.x).abs() + (a.y - b.y).abs();
    for corner in way.windows(3) {
        let (a, b, c) = (corner[0], corner[1], corner[2]);
        let radius = CORNER.min(length(a, b) / 2.0).min(length(b, c) / 2.0);
        segs.push(Seg::Line(towards(b, a, radius)));
        segs.push(Seg::Quad(b, towards(b, c, radius)));
    }
    segs.push(Seg::Line(way[way.len() - 1]));
    segs
}

/// A label in its place.
#[derive(Clone, Debug)]
pub struct PlacedLabel {
    pub at: Rect,
    size: f64,
    pub rate: String,
    pub failed: Option<String>,
}

fn width_of(rate: &str, failed: Option<&String>, size: f64) -> f64 {
    let wide = |text: &str| super::text::width(text, size, Weight::Regular);
    wide(rate) + failed.map_or(0.0, |text| 14.0 + wide(text))
}

/// Labels beside their lines, on nothing else. Where there is no room the share of failures goes first, then the label:
/// the line's width still tells how many calls there are.
pub fn place_labels(wires: &[Wire], obstacles: &[Rect], size: f64) -> Vec<Option<PlacedLabel>> {
    if wires.len() > MOST_LABELLED {
        return vec![None; wires.len()];
    }
    let steps = wires.iter().filter_map(Wire::step_at).map(|at| Rect::new(at.x, at.y, 0.0, 0.0).grown(8.0));
    let mut taken = Near::of(obstacles.iter().copied().chain(steps).enumerate());
    // Lines of links, of which each label may lie on none but, at worst, its own.
    let lines = Near::of(wires.iter().enumerate().flat_map(|(i, wire)| {
        wire.way.windows(2).map(move |pair| {
            let (x, y) = (pair[0].x.min(pair[1].x), pair[0].y.min(pair[1].y));
            let rect = Rect::new(x, y, (pair[0].x - pair[1].x).abs(), (pair[0].y - pair[1].y).abs());
            (i, rect.grown(wire.width() / 2.0 + 1.0))
        })
    }));
    let mut labels = Vec::new();
    for (i, wire) in wires.iter().enumerate() {
        let placed = wire.label().and_then(|(rate, failed)| {
            let shorter = failed.is_some().then_some(None);
            [Some(failed), shorter].into_iter().flatten().find_map(|failed| {
                let room = (width_of(&rate, failed.as_ref(), size), size + 2.0);
                let at = free_place(wire, room, &taken, &lines, i)?;
                Some(PlacedLabel { at, size, rate: rate.clone(), failed })
            })
        });
        placed.iter().for_each(|label| taken.add(0, label.at));
        labels.push(placed);
    }
    labels
}

/// The first place along the link where a label lies on nothing.
fn free_place(wire: &Wire, (width, height): (f64, f64), taken: &Near, lines: &Near, own: usize) -> Option<Rect> {
    let gap = wire.width() / 2.0 + 4.0;
    let mut segments: Vec<(Point, Point)> = wire.way.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let length = |(a, b): &(Point, Point)| (a.x - b.x).abs() + (a.y - b.y).abs();
    // Long ones first, and level ones before upright ones of the same length.
    segments.sort_by(|a, b| {
        let value = |s: &(Point, Point)| length(s) * if s.0.y == s.1.y { 2.0 } else { 1.0 };
        value(b).total_cmp(&value(a))
    });
    let mut best: Option<(usize, Rect)> = None;
    for segment in &segments {
        let (a, b) = segment;
        for share in [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82, 0.1, 0.9] {
            let (x, y) = (a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share);
            let rects = if a.y == b.y {
                [
                    Rect::new(x - width / 2.0, y - gap - height + 1.0, width, height),
                    Rect::new(x - width / 2.0, y + gap, width, height),
                ]
            } else {
                [
                    Rect::new(x + gap + 1.0, y - height / 2.0, width, height),
                    Rect::new(x - gap - 1.0 - width, y - height / 2.0, width, height),
                ]
            };
            for rect in rects {
                let around = rect.grown(2.0);
                if taken.overlapping(around).next().is_some() {
                    continue;
                }
                let badness: usize = lines.overlapping(rect).map(|other| if other == own { 2 } else { 3 }).sum();
                if badness == 0 {
                    return Some(rect);
                }
                if best.is_none_or(|(other, _)| badness < other) {
                    best = Some((badness, rect));
                }
            }
        }
    }
    best.map(|(_, rect)| rect)
}

impl PlacedLabel {
    pub fn draw(&self, pen: &mut Pen, theme: &Theme, keys: &mut Keys) {
        keys.add(Key::Label);
        // Where it could not but lie on a line.
        pen.rect("label-ground", self.at.grown(1.0), 3.0, Paint::fill(theme.background));
        let y = self.at.y + 0.95 * self.size;
        let text = |x: f64, text: &str| Label {
            at: Point::new(x, y),
            anchor: Anchor::Start,
            size: self.size,
            weight: Weight::Regular,
            text: text.to_owned(),
        };
        let rate = text(self.at.x, &self.rate);
        let mut x = self.at.x + rate.width();
        pen.text("label", rate, theme.text);
        if let Some(failed) = &self.failed {
            keys.add(Key::LabelFailed);
            x += 7.0;
            pen.diamond("label-failed", Point::new(x, y - 0.36 * self.size), 3.8, Paint::fill(theme.failing));
            pen.text("label", text(x + 7.0, failed), theme.text);
        }
    }
}
