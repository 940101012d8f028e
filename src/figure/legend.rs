//! The legend: a sample and a few words for everything that the picture shows, and for nothing else. Whoever draws
//! something adds its key.

use super::card::{cross, ring};
use super::copies;
use super::detail::Detail;
use super::dots::{Dot, Sampling};
use super::scene::{Anchor, Dash, Label, Owner, Paint, Pen, Point, Rect, Scene, Seg, Shape, Stroke, polyline};
use super::text::{self, Weight};
use super::theme::Theme;
use crate::engine::Stage;
use std::collections::BTreeSet;

/// Something that a picture shows, in the order of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Latency,
    Meter,
    Slots,
    Strained,
    Failing,
    Queue,
    QueueOver,
    QueueLimit,
    Ring,
    Badge,
    History,
    HistoryFailed,
    /// A replica at this stage.
    Copies(Stage),
    Shards,
    Many,
    Cache,
    Stale,
    Lag,
    Heat,
    Sync,
    Async,
    Control,
    Timeouts,
    Broken,
    Label,
    LabelFailed,
    Step,
    /// A request on the way, by its class.
    Dot(usize),
    DotRetry,
    DotFailed,
}

/// What was drawn.
#[derive(Clone, Debug, Default)]
pub struct Keys(BTreeSet<Key>);

impl Keys {
    pub fn add(&mut self, key: Key) {
        self.0.insert(key);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the words of a legend depend on.
pub struct Context<'a> {
    pub theme: &'a Theme,
    pub sampling: Sampling,
    pub classes: &'a [String],
    /// What the tint of cards is about, from fine to failing.
    pub heat: Option<String>,
    pub detail: Detail,
}

/// How the legend is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One after the other, in lines.
    Lines,
    /// One below the other, with as many lines as each needs.
    Column,
}

const SAMPLE: f64 = 26.0;
const LINE: f64 = 20.0;
/// From a line of an entry to its next one.
const INNER: f64 = 14.0;
/// Words begin here, behind the sample.
const WORDS: f64 = SAMPLE + 6.0;
const SIZE: f64 = 11.0;

/// The legend, of this width.
pub fn draw(keys: &Keys, context: &Context, form: Form, width: f64) -> Scene {
    let mut scene = Scene { width, ..Scene::default() };
    let (mut x, mut y) = (0.0, 0.0);
    let first_dot = keys.0.iter().find(|key| matches!(key, Key::Dot(_)));
    let first_class = if let Some(Key::Dot(class)) = first_dot { *class } else { 0 };
    for key in &keys.0 {
        let words = words(*key, context, first_dot == Some(key));
        let lines = match form {
            Form::Lines => vec![text::fit(&words, SIZE, Weight::Regular, width - WORDS)],
            Form::Column => text::wrap(&words, SIZE, Weight::Regular, width - WORDS, 4),
        };
        let wide = WORDS + lines.iter().map(|line| text::width(line, SIZE, Weight::Regular)).fold(0.0, f64::max);
        if x > 0.0 && (x + wide > width || form == Form::Column) {
            (x, y) = (0.0, y + LINE);
        }
        let mut pen = Pen { items: &mut scene.items, owner: Owner::Legend };
        sample(&mut pen, *key, Rect::new(x, y, SAMPLE, 14.0), first_class, context);
        for (i, text) in lines.into_iter().enumerate() {
            y += if i > 0 { INNER } else { 0.0 };
            let at = Point::new(x + WORDS, y + 11.0);
            let label = Label { at, anchor: Anchor::Start, size: SIZE, weight: Weight::Regular, text };
            pen.text("words", label, context.theme.muted);
        }
        x += wide + 22.0;
    }
    scene.height = if keys.is_empty() { 0.0 } else { y + LINE };
    scene
}

/// What a key stands for; of the dots the first says how many calls each is.
fn words(key: Key, context: &Context, is_first: bool) -> String {
    let fixed = match key {
        Key::Latency => "time to answer: median, 99th percentile (at a client, of whole requests)",
        Key::Meter => "share of slots or cores that is busy, whichever is more",
        Key::Slots => "busy slots, one by one",
        Key::Strained => "more than 80 % busy",
        Key::Failing => "98 % busy or more",
        Key::Queue => "calls that wait, on a log scale, with their number",
        Key::QueueOver => "calls that wait where a limit turned others away",
        Key::QueueLimit => "limit of the queue",
        Key::Ring => "share of calls that fail",
        Key::Badge => "10 % or more fail, and why most do; or what has happened to it",
        Key::History => "calls over time",
        Key::HistoryFailed => "of these, failed",
        Key::Copies(Stage::Running) => "a running replica",
        Key::Copies(Stage::Starting) => "a starting replica",
        Key::Copies(Stage::Degraded) => "a replica that is slow, or answers with errors",
        Key::Copies(Stage::Paused) => "a paused replica",
        Key::Copies(Stage::Draining) => "a draining replica: it takes no new calls",
        Key::Copies(Stage::Broken) => "a replica broken down by chance",
        Key::Copies(Stage::Killed) => "a killed replica",
        Key::Shards => "calls of each shard, beside the hottest one",
        Key::Many => "where there are too many to draw, a mark stands for several; of shards, for the hottest of them",
        Key::Cache => "how full the cache is, and the share of reads that it answers",
        Key::Stale => "answers older than the last write",
        Key::Lag => "how far copies, or messages, are behind",
        Key::Heat => context.heat.as_deref().unwrap_or_default(),
        Key::Sync => "calls, wider with the log of their rate",
        Key::Async => "sent without waiting for an answer",
        Key::Control => "orders, not calls",
        Key::Timeouts => "dashed: some of its calls time out",
        Key::Broken => "nothing passes",
        Key::Label => "calls per second",
        Key::LabelFailed => "share of them that fails",
        Key::Step => "order of a node's calls",
        Key::DotRetry => "hollow: a retry",
        Key::DotFailed => "a failed answer",
        Key::Dot(class) => {
            let name = context.classes.get(class).filter(|_| context.classes.len() > 1);
            let each = context.sampling == Sampling::default();
            let many = if each { "a call on the way".to_owned() } else { context.sampling.words() };
            return match name {
                Some(name) if is_first => format!("{many}: {name}"),
                Some(name) => name.clone(),
                None => many,
            };
        }
    };
    fixed.to_owned()
}

/// What it looks like, within this rectangle; what comes in the colours of classes, in that of the first one.
fn sample(pen: &mut Pen, key: Key, room: Rect, first_class: usize, context: &Context) {
    let theme = context.theme;
    let center = room.center();
    let line = |pen: &mut Pen, dash: Dash, width: f64, from: f64, to: f64| {
        let stroke = Stroke { color: theme.link, width, dash };
        pen.line("sample", Point::new(room.x + from, center.y), Point::new(room.x + to, center.y), stroke);
    };
    let head = |pen: &mut Pen, open: bool| {
        let points = [(18.0, -4.5), (26.0, 0.0), (18.0, 4.5)].map(|(x, y)| Point::new(room.x + x, center.y + y));
        if open {
            pen.draw("sample", Shape::Path(polyline(&points)), Paint::line(theme.link, 2.0));
        } else {
            pen.polygon("sample", &points, Paint::fill(theme.link));
        }
    };
    let words = |pen: &mut Pen, text: &str| {
        let label = Label {
            at: Point::new(center.x, room.y + 10.5),
            anchor: Anchor::Middle,
            size: 10.0,
            weight: Weight::SemiBold,
            text: text.to_owned(),
        };
        pen.text("sample", label, theme.text);
    };
    let outlined = |paint: Paint| theme.outline.map_or(paint, |outline| paint.outlined(outline, 0.75));
    match key {
        Key::Latency => words(pen, "p99"),
        Key::Label => words(pen, "12/s"),
        Key::Stale => words(pen, "stale"),
        Key::Lag => words(pen, "lag"),
        Key::Many => words(pen, "many"),
        Key::Meter | Key::Strained | Key::Failing | Key::Slots => {
            let bar = Rect::new(room.x, center.y - 3.0, room.w, 6.0);
            pen.rect("sample", bar, 3.0, Paint::fill(theme.faint));
            let color = match key {
                Key::Strained => theme.strained,
                Key::Failing => theme.failing,
                _ => theme.busy,
            };
            if key == Key::Slots {
                pen.rect("sample", bar, 3.0, Paint::fill(theme.background));
                for i in 0..4 {
                    let pip = Rect::new(room.x + 6.6 * f64::from(i), bar.y, 5.0, 6.0);
                    pen.rect(
                        "sample",
                        pip,
                        1.5,
                        if i < 3 { outlined(Paint::fill(color)) } else { Paint::fill(theme.faint) },
                    );
                }
                return;
            }
            let share = if key == Key::Meter { 0.5 } else { 0.9 };
            let full = Rect { w: bar.w * share, ..bar };
            pen.rect("sample", full, 3.0, outlined(Paint::fill(color)));
            if key == Key::Strained {
                pen.hatch("sample", full, 4.0, Stroke::solid(theme.hatch, 1.0));
            }
        }
        Key::Queue | Key::QueueOver | Key::QueueLimit => {
            for i in 0..3 {
                let pip = Rect::new(center.x - 3.5, room.bottom() - 4.6 * f64::from(i + 1), 7.0, 3.8);
                let color = match key {
                    Key::Queue if i < 2 => theme.muted,
                    Key::QueueOver if i < 2 => theme.failing,
                    _ => theme.faint,
                };
                pen.rect("sample", pip, 1.2, Paint::fill(color));
            }
            if key == Key::QueueLimit {
                let y = room.y - 1.5;
                pen.line(
                    "sample",
                    Point::new(center.x - 6.0, y),
                    Point::new(center.x + 6.0, y),
                    Stroke::solid(theme.text, 1.5),
                );
            }
        }
        Key::Ring => ring(pen, "sample", (center, 6.5), 0.3, 2.5, theme),
        Key::Badge => {
            pen.rect("sample", Rect::new(room.x, room.y, room.w, 14.0), 7.0, Paint::fill(theme.failing));
        }
        Key::History | Key::HistoryFailed => {
            let curve = [(0.0, 9.0), (7.0, 4.0), (13.0, 6.0), (20.0, 2.0), (26.0, 5.0)];
            let top = curve.map(|(x, y)| Point::new(room.x + x, room.y + y));
            let mut area = top.to_vec();
            area.extend([Point::new(room.right(), room.bottom()), Point::new(room.x, room.bottom())]);
            let pale = if theme.is_print() { theme.faint } else { theme.card.mix(theme.busy, 0.35) };
            pen.polygon("sample", &area, Paint::fill(pale));
            if key == Key::HistoryFailed {
                let mut band = top.to_vec();
                band.extend(top.iter().rev().map(|p| Point::new(p.x, p.y + 4.0)));
                pen.polygon("sample", &band, Paint::fill(theme.failing));
            }
        }
        Key::Copies(stage) => {
            copies::square(pen, "sample", Rect::new(center.x - 3.5, center.y - 3.5, 7.0, 7.0), stage, theme);
        }
        Key::Shards => {
            for (i, height) in [4.0, 12.0, 6.0].into_iter().enumerate() {
                let bar = Rect::new(room.x + 3.0 + 7.0 * i as f64, room.bottom() - height, 5.0, height);
                pen.rect("sample", bar, 0.0, Paint::fill(if i == 1 { theme.text } else { theme.muted }));
            }
        }
        Key::Cache => {
            let bar = Rect::new(room.x, center.y - 3.0, room.w, 6.0);
            pen.rect("sample", bar, 3.0, Paint::fill(theme.faint));
            pen.rect("sample", Rect { w: 17.0, ..bar }, 3.0, Paint::fill(theme.muted));
        }
        Key::Heat => {
            for i in 0..13 {
                // Each reaches under the next, so that no seam is seen.
                let slice = Rect::new(room.x + 2.0 * f64::from(i), room.y, if i < 12 { 3.0 } else { 2.0 }, 14.0);
                pen.rect("sample", slice, 0.0, Paint::fill(theme.heat(f64::from(i) / 12.0)));
            }
            pen.rect("sample", room, 0.0, Paint::line(theme.card_border, 1.0));
        }
        Key::Sync => {
            line(pen, Dash::Solid, 3.0, 0.0, 19.0);
            head(pen, false);
        }
        Key::Async => {
            line(pen, Dash::Solid, 2.0, 0.0, 25.0);
            head(pen, true);
        }
        Key::Control => {
            line(pen, Dash::Dotted, 1.5, 0.0, 25.0);
            head(pen, true);
        }
        Key::Timeouts => line(pen, Dash::Dashed, 3.0, 0.0, 26.0),
        Key::Broken => {
            let segs = vec![Seg::Move(Point::new(room.x, center.y)), Seg::Line(Point::new(room.right(), center.y))];
            pen.draw("sample", Shape::Path(segs), Paint::line(theme.broken, 2.0));
            cross(pen, "sample", center, 5.0, Stroke::solid(theme.failing, 2.5));
        }
        Key::LabelFailed => pen.diamond("sample", center, 4.5, Paint::fill(theme.failing)),
        Key::Step => {
            pen.circle("sample", center, 7.0, Paint::line(theme.link, 1.25));
            words(pen, "1");
        }
        Key::Dot(class) => {
            let dot = Dot { class, ..Dot::default() };
            let scale = if context.detail == Detail::Close { 1.6 } else { 1.2 };
            dot.draw(pen, center, scale, theme);
            if context.detail == Detail::Close {
                dot.letter(pen, center, scale, theme);
            }
        }
        Key::DotRetry => Dot { class: first_class, is_retry: true, failed: false }.draw(pen, center, 1.2, theme),
        Key::DotFailed => Dot { failed: true, ..Dot::default() }.draw(pen, center, 1.1, theme),
    }
}
