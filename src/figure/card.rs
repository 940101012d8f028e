//! A node's card: always the same things in the same places, so that one learns to read it once.

use super::copies;
use super::detail::Detail;
use super::legend::{Key, Keys};
use super::scene::{Anchor, Dash, Label, Paint, Pen, Point, Rect, Seg, Shape, Stroke, polyline};
use super::text::{self, Weight};
use super::theme::Theme;
use crate::base::{maths, short};
use crate::engine::Stage;
use crate::metrics::{Moment, NodeFrame};

/// Size of a card without what hangs below its meter.
pub const WIDTH: f64 = 168.0;
pub const HEIGHT: f64 = 72.0;
/// Links leave and arrive so far below the top.
pub const WAIST: f64 = 36.0;
/// The queue stands in front of the card, on the side where calls arrive.
pub const GUTTER: f64 = 14.0;
/// What sticks out at the top: badges, and the length of the queue.
pub const OVERHANG: f64 = 16.0;
/// A card's corners.
pub const RADIUS: f64 = 10.0;

pub(super) const PAD: f64 = 10.0;
/// Name and kind begin here, beside the icon.
pub(super) const WORDS: f64 = 40.0;
pub(super) const ROW: f64 = 19.0;
const PIPS: usize = 12;
/// As many slots are shown one by one; more are a bar.
const MOST_SLOTS: f64 = 16.0;
/// From here on a meter is strained, and from there on failing.
const STRAINED: f64 = 0.8;
const FAILING: f64 = 0.98;
/// From here on a share of failures is told in words.
const MANY_FAILURES: f64 = 0.1;
/// A queue without a limit fills its column at so many.
const LONG_QUEUE: f64 = 10_000.0;

/// What a card shows.
#[derive(Clone, Debug, Default)]
pub struct Card<'a> {
    pub name: &'a str,
    pub icon: &'static str,
    pub kind: &'static str,
    /// Without it only icon, name and kind are shown.
    pub node: Option<&'a NodeFrame>,
    /// Whether calls can wait here.
    pub queues: bool,
    pub queue_limit: Option<f64>,
    /// How long the queue of one copy may be.
    pub copy_limit: Option<f64>,
    /// It gives orders and takes no calls: its levels are shown instead.
    pub is_control: bool,
    /// Copies as the design has them, and what one is called: replica or shard.
    pub copies: Option<(f64, &'static str)>,
    /// Copies may stand still or break down by chance.
    pub is_frail: bool,
    /// What has happened to it, and what is done to it at that instant.
    pub struck: Vec<String>,
    /// What the lens makes of it, from fine (0) to failing (1).
    pub heat: Option<f64>,
}

/// Whether there is more to say of a node's replicas than that it runs.
fn is_odd(node: &NodeFrame) -> bool {
    node.copies.len() > 1 || node.copies.iter().any(|copy| copy.stage != Stage::Running)
}

/// A line below the meter.
pub(super) enum Row {
    History,
    Copies,
    Shards,
    Cache,
    /// What its kind measures besides.
    Own,
}

impl Card<'_> {
    pub(super) fn rows(&self) -> Vec<Row> {
        let Some(node) = self.node else { return Vec::new() };
        let mut rows = Vec::new();
        if node.history.len() > 1 && node.rate > 0.0 {
            rows.push(Row::History);
        }
        match self.copies {
            Some((n, "shard")) if n > 1.0 => rows.push(Row::Shards),
            Some((n, _)) if n > 1.0 || self.is_frail || is_odd(node) => rows.push(Row::Copies),
            _ => {}
        }
        if node.level("filled").is_some() {
            rows.push(Row::Cache);
        }
        if !self.own_words(node).is_empty() {
            rows.push(Row::Own);
        }
        rows
    }

    /// The first stands beside how full a cache is.
    fn own_words(&self, node: &NodeFrame) -> Vec<(&'static str, String)> {
        let skip = usize::from(node.level("filled").is_some());
        node.own_words(skip, self.copies.is_some_and(|(n, _)| n > 1.0))
    }

    fn has_meter(&self) -> bool {
        self.node.is_some_and(|node| node.utilization().is_some())
    }

    pub fn height(&self) -> f64 {
        let rows = self.rows().len() as f64;
        let head = if self.has_meter() { 73.0 } else { 62.0 };
        if self.node.is_none() { 52.0 } else { (head + rows * ROW + 4.0).max(HEIGHT) }
    }

    pub fn waist(&self) -> f64 {
        if self.node.is_none() { 26.0 } else { WAIST }
    }

    pub fn gutter(&self) -> f64 {
        if self.node.is_some() && self.queues { GUTTER } else { 0.0 }
    }

    /// Draw it with its upper left corner there.
    pub fn draw(&self, pen: &mut Pen, at: Point, detail: Detail, theme: &Theme, keys: &mut Keys) {
        let rect = Rect::new(at.x, at.y, WIDTH, self.height());
        let failing = self.node.is_some_and(|node| node.failed_share >= MANY_FAILURES) || !self.struck.is_empty();
        let border = if failing { theme.failing } else { theme.card_border };
        let fill = self.heat.map_or(theme.card, |heat| theme.heat(heat));
        let (thin, thick) = match detail {
            Detail::Block => (2.0, 7.0),
            Detail::Name => (1.5, 4.5),
            _ => (1.0, 2.5),
        };
        pen.rect("card", rect, RADIUS, Paint::fill(fill).outlined(border, if failing { thick } else { thin }));
        match detail {
            Detail::Block | Detail::Name => self.mark(pen, at, detail, theme, keys),
            Detail::Glance => self.glance(pen, at, theme, keys),
            Detail::Full | Detail::Close => self.full(pen, at, theme, keys),
        }
    }

    pub(super) fn draw_icon(&self, pen: &mut Pen, at: Point, theme: &Theme) -> Rect {
        let icon = Rect::new(at.x + PAD, at.y + 9.0, 20.0, 20.0);
        pen.draw("icon", Shape::Icon { kind: self.icon, rect: icon }, Paint::fill(theme.text));
        icon
    }

    /// All that there is to tell.
    fn full(&self, pen: &mut Pen, at: Point, theme: &Theme, keys: &mut Keys) {
        let icon = self.draw_icon(pen, at, theme);
        self.head(pen, at, theme);
        let Some(node) = self.node else { return };
        self.ring(pen, icon, node, theme, keys);
        if self.is_control {
            levels(pen, at, node, theme);
        } else {
            latency(pen, at, node, theme, keys);
        }
        let mut y = at.y + 59.0;
        if let Some(utilization) = node.utilization() {
            let room = Rect::new(at.x + PAD, y, WIDTH - 2.0 * PAD - 38.0, 6.0);
            meter(pen, room, node, utilization, Some(11.0), theme, keys);
            y += 13.0;
        } else {
            y += 3.0;
        }
        for row in self.rows() {
            let room = Rect::new(at.x + PAD, y, WIDTH - 2.0 * PAD, ROW - 3.0);
            match row {
                Row::History => history(pen, room, &node.history, theme, keys),
                Row::Copies => {
                    let w = aside(pen, "replicas-text", room, &copies::counted(&node.copies), theme);
                    copies::strip(pen, Rect { w, ..room }, &node.copies, theme, keys);
                }
                Row::Shards => {
                    let w = aside(pen, "shards-text", room, &format!("{} shards", node.copies.len()), theme);
                    copies::bars(pen, Rect { w, ..room }, &node.copies, theme, keys);
                }
                Row::Cache => cache(pen, room, node, true, theme, keys),
                Row::Own => own(pen, room, &self.own_words(node), theme, keys),
            }
            y += ROW;
        }
        if self.queues {
            self.queue(pen, at, node, Some(10.0), theme, keys);
        }
        self.badges(pen, at, node, 10.0, theme, keys);
    }

    /// Name, kind, and how many calls there are.
    fn head(&self, pen: &mut Pen, at: Point, theme: &Theme) {
        let room = WIDTH - WORDS - PAD;
        // A long name is smaller before it is cut.
        let fits = |size: &f64| text::width(self.name, *size, Weight::SemiBold) <= room;
        let size = [14.0, 13.0, 12.0].into_iter().find(fits).unwrap_or(11.0);
        let name = text::fit(self.name, size, Weight::SemiBold, room);
        pen.text("name", bold(at.x + WORDS, at.y + 22.0, size, &name), theme.text);
        let rate = self.node.filter(|node| node.rate > 0.0).map_or(String::new(), |node| short::rate(node.rate));
        let rate = Label { anchor: Anchor::End, ..plain(at.x + WIDTH - PAD, at.y + 37.0, 11.0, &rate) };
        let room = WIDTH - WORDS - PAD - 5.0 - rate.width();
        let kind = text::cut(self.kind, 10.5, Weight::Regular, room);
        pen.text("kind", plain(at.x + WORDS, at.y + 37.0, 10.5, &kind), theme.muted);
        pen.text("rate", rate, theme.text);
    }

    /// The share of failures, as an arc around the icon.
    pub(super) fn ring(&self, pen: &mut Pen, icon: Rect, node: &NodeFrame, theme: &Theme, keys: &mut Keys) {
        if node.failed_share <= 0.0 {
            return;
        }
        keys.add(Key::Ring);
        let width = if node.failed_share >= MANY_FAILURES { 3.5 } else { 2.0 };
        let scale = icon.w / 20.0;
        ring(pen, "ring", (icon.center(), 13.5 * scale), node.failed_share, width * scale, theme);
    }

    /// What is done to it, and many failures.
    pub(super) fn badge_words(&self, node: &NodeFrame) -> Vec<String> {
        let mut words = self.struck.clone();
        if node.failed_share >= MANY_FAILURES {
            words.push(format!("{} fail", short::percent(node.failed_share)));
            if let Some(reason) = node.reason.filter(|_| self.struck.is_empty()) {
                words[0] = format!("{} {}", short::percent(node.failed_share), reason.replace('_', " "));
            }
        }
        words
    }

    /// These words on the upper edge, from the right to the left.
    pub(super) fn badges(&self, pen: &mut Pen, at: Point, node: &NodeFrame, size: f64, theme: &Theme, keys: &mut Keys) {
        let mut right = at.x + WIDTH - 8.0;
        let tall = size + 6.0;
        let wide = |word: &str| text::width(word, size, Weight::SemiBold) + 12.0;
        let words = self.badge_words(node);
        for (i, word) in words.iter().enumerate() {
            keys.add(Key::Badge);
            // Room is left for the number of those that do not fit.
            let more = words.len() - i - 1;
            let rest = if more > 0 { 4.0 + wide("+9") } else { 0.0 };
            let room = right - at.x - 12.0 - rest;
            let fits = i == 0 || wide(word) <= room;
            let word =
                if fits { text::cut(word, size, Weight::SemiBold, room - 12.0) } else { format!("+{}", more + 1) };
            let width = wide(&word);
            let pill = Rect::new(right - width, at.y - tall / 2.0, width, tall);
            pen.rect("badge", pill, tall / 2.0, Paint::fill(theme.failing));
            pen.text("badge-text", bold(pill.x + 6.0, at.y + 0.36 * size, size, &word), theme.on_failing);
            right -= width + 4.0;
            if !fits {
                break;
            }
        }
    }

    /// A column of pips in front of the card: how full the queue is, on a logarithmic scale up to its limit. With a size
    /// its length is written above.
    pub(super) fn queue(
        &self,
        pen: &mut Pen,
        at: Point,
        node: &NodeFrame,
        size: Option<f64>,
        theme: &Theme,
        keys: &mut Keys,
    ) {
        let scale = self.queue_limit.unwrap_or(LONG_QUEUE);
        let full = maths::ln(1.0 + node.queue) / maths::ln(1.0 + scale.max(1.0));
        let filled = if node.queue < 0.05 { 0 } else { ((full * PIPS as f64).round() as usize).clamp(1, PIPS) };
        let overflows = self.copy_limit.is_some_and(|limit| f64::from(node.queue_peak) >= limit)
            && node.reason == Some("queue_full");
        keys.add(if overflows { Key::QueueOver } else { Key::Queue });
        let (x, bottom) = (at.x - GUTTER + 3.0, at.y + HEIGHT - 1.0);
        for i in 0..PIPS {
            let pip = Rect::new(x, bottom - 5.8 * (i + 1) as f64 + 1.2, 7.0, 4.6);
            let paint = match (i < filled, overflows) {
                (true, true) => Paint::fill(theme.failing),
                (true, false) => Paint::fill(theme.muted),
                (false, _) => Paint::fill(theme.faint),
            };
            pen.rect("queue", pip, 1.2, paint);
        }
        if self.queue_limit.is_some() {
            keys.add(Key::QueueLimit);
            let color = if overflows { theme.failing } else { theme.text };
            let y = bottom - 5.8 * PIPS as f64 - 1.0;
            pen.line("queue-limit", Point::new(x - 2.0, y), Point::new(x + 9.0, y), Stroke::solid(color, 1.5));
        }
        if let Some(size) = size.filter(|_| node.queue >= 0.95) {
            let text = queue_text(node.queue);
            let label = Label { anchor: Anchor::Middle, ..bold(x + 3.5, at.y - 5.5, size, &text) };
            pen.text(
                "queue-length",
                label,
                if overflows && theme.outline.is_none() { theme.failing } else { theme.text },
            );
        }
    }
}

pub(super) fn plain(x: f64, y: f64, size: f64, text: &str) -> Label {
    Label { at: Point::new(x, y), anchor: Anchor::Start, size, weight: Weight::Regular, text: text.to_owned() }
}

pub(super) fn bold(x: f64, y: f64, size: f64, text: &str) -> Label {
    Label { weight: Weight::SemiBold, ..plain(x, y, size, text) }
}

fn queue_text(queue: f64) -> String {
    if queue < 999.5 { format!("{queue:.0}") } else { short::number(queue) }
}

/// A fill that stands out on a card.
fn filled_paint(theme: &Theme, color: super::theme::Color) -> Paint {
    let paint = Paint::fill(color);
    theme.outline.map_or(paint, |outline| paint.outlined(outline, 0.75))
}

/// Text at the right end of a row; returns what is left of its width.
fn aside(pen: &mut Pen, slot: &'static str, room: Rect, words: &str, theme: &Theme) -> f64 {
    let label = Label { anchor: Anchor::End, ..plain(room.right(), room.y + 12.0, 10.0, words) };
    let width = label.width();
    pen.text(slot, label, theme.muted);
    room.w - width - 8.0
}

/// What the kind shows of itself, a line each.
fn levels(pen: &mut Pen, at: Point, node: &NodeFrame, theme: &Theme) {
    for ((name, level), y) in node.levels.iter().zip([52.0, 65.0]) {
        let number = if level.fract() == 0.0 { format!("{level:.0}") } else { short::number(*level) };
        let words = text::fit(&format!("{name} {number}"), 11.0, Weight::Regular, WIDTH - 2.0 * PAD);
        pen.text("levels", plain(at.x + PAD, at.y + y, 11.0, &words), theme.text);
    }
}

/// Median and 99th percentile.
fn latency(pen: &mut Pen, at: Point, node: &NodeFrame, theme: &Theme, keys: &mut Keys) {
    let y = at.y + 52.0;
    let parts = [("p50", node.p50), ("p99", node.p99)];
    let mut x = at.x + PAD;
    let mut told = false;
    // A message queue takes a message in no time; that is no measurement.
    if node.p50 == Some(0.0) && node.p99.is_none_or(|p99| p99 == 0.0) {
        return pen.text("latency", plain(x, y, 11.0, "answers at once"), theme.muted);
    }
    for (name, value) in parts {
        let Some(value) = value else { continue };
        if told {
            let dot = plain(x, y, 11.0, "·");
            x += dot.width() + 4.0;
            pen.text("latency", dot, theme.muted);
        }
        told = true;
        for (words, color, gap) in [(name, theme.muted, 3.0), (&*short::seconds(value), theme.text, 4.0)] {
            let label = plain(x, y, 11.0, words);
            x += label.width() + gap;
            pen.text("latency", label, color);
        }
    }
    if told {
        keys.add(Key::Latency);
    } else {
        let words = if node.rate > 0.0 { "too few answers to tell" } else { "no calls" };
        pen.text("latency", plain(x, y, 11.0, words), theme.muted);
    }
}

/// How much of the slots or cores is busy: slot by slot where there are few, else as a bar. With a size the share is
/// written beside it.
pub(super) fn meter(
    pen: &mut Pen,
    room: Rect,
    node: &NodeFrame,
    utilization: f64,
    size: Option<f64>,
    theme: &Theme,
    keys: &mut Keys,
) {
    let by_slots = node.slot_utilization().is_some_and(|slots| slots >= utilization - 0.005);
    // Averages are whole but for rounding, unless there were more slots at one time than at another.
    let whole = node.slots.round();
    let pips = if by_slots && whole <= MOST_SLOTS && (node.slots - whole).abs() < 1e-3 { whole } else { 1.0 };
    keys.add(if pips > 1.0 { Key::Slots } else { Key::Meter });
    let color = match utilization {
        u if u >= FAILING => theme.failing,
        u if u > STRAINED => theme.strained,
        _ => theme.busy,
    };
    match utilization {
        u if u >= FAILING => keys.add(Key::Failing),
        u if u > STRAINED => keys.add(Key::Strained),
        _ => {}
    }
    let gap = if pips > 1.0 { 2.0 } else { 0.0 };
    let each = (room.w + gap) / pips;
    let busy = utilization.min(1.0) * pips;
    for i in 0..pips as usize {
        let track = Rect { x: room.x + each * i as f64, w: each - gap, ..room };
        let radius = if pips > 1.0 { 1.5 } else { 3.0 };
        pen.rect("meter-track", track, radius, Paint::fill(theme.faint));
        let share = (busy - i as f64).clamp(0.0, 1.0);
        if share * track.w < 0.5 {
            continue;
        }
        let full = Rect { w: (track.w * share).max(1.5), ..track };
        let radius = radius.min(full.w / 2.0);
        pen.rect("meter", full, radius, filled_paint(theme, color));
        if color == theme.strained {
            pen.hatch("meter-hatch", full, 4.0, Stroke::solid(theme.hatch, 1.0));
        }
    }
    let Some(size) = size else { return };
    let percent = utilization * 100.0;
    let words = if (0.05..9.95).contains(&percent) { format!("{percent:.1} %") } else { format!("{percent:.0} %") };
    let right = room.right() + 3.45 * size;
    let label = Label { anchor: Anchor::End, ..plain(right, room.center().y + 0.36 * size, size, &words) };
    pen.text("meter-text", label, theme.text);
}

/// What arrived over time, with what failed of it on top.
fn history(pen: &mut Pen, room: Rect, history: &[Moment], theme: &Theme, keys: &mut Keys) {
    keys.add(Key::History);
    let top = history.iter().map(|moment| moment.rate).fold(1e-12, f64::max);
    let (base, tall) = (room.bottom() - 1.0, room.h - 1.0);
    let x = |i: usize| room.x + room.w * i as f64 / (history.len() - 1) as f64;
    let y = |rate: f64| base - tall * (rate / top).clamp(0.0, 1.0);
    let line: Vec<Point> = history.iter().enumerate().map(|(i, moment)| Point::new(x(i), y(moment.rate))).collect();
    let mut area = line.clone();
    area.extend([Point::new(room.right(), base), Point::new(room.x, base)]);
    let pale = if theme.is_print() { theme.faint } else { theme.card.mix(theme.busy, 0.35) };
    pen.polygon("history", &area, Paint::fill(pale));
    if history.iter().any(|moment| moment.failed > 0.0) {
        keys.add(Key::HistoryFailed);
        let under = history.iter().enumerate().rev();
        let mut band = line.clone();
        band.extend(under.map(|(i, moment)| Point::new(x(i), y((moment.rate - moment.failed).max(0.0)))));
        pen.polygon("history-failed", &band, Paint::fill(theme.failing));
    }
    let color = if theme.outline.is_some() { theme.link } else { theme.busy };
    pen.draw("history-line", Shape::Path(polyline(&line)), Paint::line(color, 1.25));
}

/// How full a cache is, and how often a key is found.
pub(super) fn cache(pen: &mut Pen, room: Rect, node: &NodeFrame, told: bool, theme: &Theme, keys: &mut Keys) {
    keys.add(Key::Cache);
    let first = node.own_words(0, true).into_iter().next();
    let hits = first.map_or("no reads".to_owned(), |(_, words)| words);
    let width = if told { aside(pen, "cache-text", room, &hits, theme) } else { room.w };
    let track = Rect::new(room.x, room.y + 5.5, width, 6.0);
    pen.rect("cache-track", track, 3.0, Paint::fill(theme.faint));
    let full = Rect { w: track.w * node.level("filled").unwrap_or(0.0).clamp(0.0, 1.0), ..track };
    if full.w >= 0.5 {
        pen.rect("cache", full, 3.0f64.min(full.w / 2.0), Paint::fill(theme.muted));
    }
}

/// What its kind measures besides.
fn own(pen: &mut Pen, room: Rect, words: &[(&'static str, String)], theme: &Theme, keys: &mut Keys) {
    for (name, _) in words {
        match *name {
            "stale_share" => keys.add(Key::Stale),
            "lag_mean" => keys.add(Key::Lag),
            _ => {}
        }
    }
    let words: Vec<&str> = words.iter().map(|(_, words)| words.as_str()).collect();
    let words = text::fit(&words.join(" · "), 10.0, Weight::Regular, room.w);
    pen.text("store", plain(room.x, room.y + 12.0, 10.0, &words), theme.muted);
}

/// An arc from the top on, on a full circle: so much of it.
pub(super) fn ring(
    pen: &mut Pen,
    slot: &'static str,
    (center, radius): (Point, f64),
    share: f64,
    width: f64,
    theme: &Theme,
) {
    let share = share.clamp(0.02, 1.0);
    let steps = (share * 48.0).ceil().max(2.0) as usize;
    let point = |i: usize| {
        let angle = std::f64::consts::TAU * share * i as f64 / steps as f64;
        let cosine = maths::sin(angle + std::f64::consts::FRAC_PI_2);
        Point::new(center.x + radius * maths::sin(angle), center.y - radius * cosine)
    };
    let arc: Vec<Point> = (0..=steps).map(point).collect();
    pen.circle(slot, center, radius, Paint::line(theme.faint, 0.6 * width));
    pen.draw(slot, Shape::Path(polyline(&arc)), Paint::line(theme.failing, width));
}

/// A cross, as on what is broken.
pub fn cross(pen: &mut Pen, slot: &'static str, c: Point, r: f64, stroke: Stroke) {
    let segs = vec![
        Seg::Move(Point::new(c.x - r, c.y - r)),
        Seg::Line(Point::new(c.x + r, c.y + r)),
        Seg::Move(Point::new(c.x - r, c.y + r)),
        Seg::Line(Point::new(c.x + r, c.y - r)),
    ];
    pen.draw(slot, Shape::Path(segs), Paint { fill: None, stroke: Some(Stroke { dash: Dash::Solid, ..stroke }) });
}
