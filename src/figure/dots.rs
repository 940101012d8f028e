//! The calls on the way: real ones, of which as many are drawn on each link as there is room for.

use super::detail::Detail;
use super::legend::{Key, Keys};
use super::link::Wire;
use super::route;
use super::scene::{Anchor, Item, Label, Owner, Paint, Pen, Point, Stroke};
use super::text::Weight;
use super::theme::Theme;
use crate::engine::{Leg, is_in, next_every};
use crate::metrics::{Frame, LinkFrame, Token};
use std::collections::BTreeMap;

/// The first dot is so far from the end of its link, and so far behind a step number.
const MARGIN: f64 = 8.0;
const BEHIND_STEP: f64 = 22.0;
/// From the middle of a dot to the next at 100 %, where there are as many as there is room for.
const SPACING: f64 = 10.0;

/// How many requests a dot stands for. Who is drawn on a full link is drawn wherever it goes; links with room show more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    least: u64,
    /// On the fullest link.
    most: u64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { least: 1, most: 1 }
    }
}

impl Sampling {
    /// Of one in `every` on each link, as far as something goes over it.
    pub fn of(links: &[LinkFrame], every: &[u64]) -> Sampling {
        let used = links.iter().zip(every).filter(|(link, _)| link.rate > 0.0).map(|(_, every)| *every);
        let (least, most) = (used.clone().min().unwrap_or(1), used.max().unwrap_or(1));
        Sampling { least, most }
    }

    pub fn words(self) -> String {
        let count = |k: u64| match k {
            k if k >= 1_000_000 && k % 1_000_000 == 0 => format!("{}M", k / 1_000_000),
            k if k >= 1_000 && k % 1_000 == 0 => format!("{}k", k / 1_000),
            k => k.to_string(),
        };
        let (least, requests) = (count(self.least), if self.least == 1 { "request" } else { "requests" });
        let most =
            if self.most > self.least { format!(", up to {} on full links", count(self.most)) } else { String::new() };
        format!("1 dot = {least} {requests}{most}")
    }
}

/// What a dot tells of its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dot {
    pub class: usize,
    pub is_retry: bool,
    pub failed: bool,
}

impl Dot {
    /// Draw it so many times as large as at 100 %.
    pub fn draw(&self, pen: &mut Pen, at: Point, scale: f64, theme: &Theme) {
        let outline = theme.outline.unwrap_or(theme.background);
        if self.failed {
            return pen.diamond("dot-failed", at, 4.5 * scale, Paint::fill(theme.failing).outlined(outline, scale));
        }
        let (color, striped) = theme.class(self.class);
        if self.is_retry {
            let ring = Paint { fill: None, stroke: Some(Stroke::solid(color, 1.9 * scale)) };
            let ground = Paint::fill(theme.background).outlined(outline, 3.2 * scale);
            pen.circle("dot-retry", at, 3.2 * scale, ground);
            return pen.circle("dot-retry", at, 3.2 * scale, ring);
        }
        pen.circle("dot", at, 3.4 * scale, Paint::fill(color).outlined(outline, scale));
        if striped {
            let (dx, dy) = (2.6 * scale, 1.6 * scale);
            let stroke = Stroke::solid(outline, 1.4 * scale);
            pen.line("dot-stripe", Point::new(at.x - dx, at.y + dy), Point::new(at.x + dx, at.y - dy), stroke);
        }
    }

    /// The letter of its class on it.
    pub fn letter(&self, pen: &mut Pen, at: Point, scale: f64, theme: &Theme) {
        if self.failed || self.is_retry || self.class >= theme.classes.len() {
            return;
        }
        let label = Label {
            at: Point::new(at.x, at.y + 1.75 * scale),
            anchor: Anchor::Middle,
            size: 4.8 * scale,
            weight: Weight::SemiBold,
            text: char::from(b'A' + self.class as u8).to_string(),
        };
        pen.text("dot-letter", label, theme.on_class(self.class));
    }
}

/// The way of a link, for the calls on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    pub link: String,
    /// Its corners, from the caller's card to the callee's.
    pub corners: Vec<Point>,
    /// Where dots begin.
    begin: f64,
}

impl Way {
    pub fn of(wire: &Wire) -> Way {
        let begin = if wire.step.is_some() { BEHIND_STEP } else { MARGIN };
        Way { link: wire.name.to_owned(), corners: wire.way.clone(), begin }
    }

    pub fn moved(mut self, dx: f64, dy: f64) -> Way {
        self.corners.iter_mut().for_each(|p| *p = Point::new(p.x + dx, p.y + dy));
        self
    }

    /// How many dots there is room for: of more, one could not be followed.
    fn room(&self, detail: Detail) -> f64 {
        (route::length(&self.corners) / SPACING / detail.dot().unwrap_or(1.0)).clamp(3.0, 80.0)
    }

    /// Where the dot of a call is.
    pub fn dot(&self, token: &Token) -> Point {
        let inner = (route::length(&self.corners) - self.begin - 2.0 * MARGIN).max(0.0);
        let share = if token.leg == Leg::Back { 1.0 - token.way } else { token.way };
        route::along(&self.corners, self.begin + inner * share)
    }

    /// Calls on the way.
    pub fn dots(&self, pen: &mut Pen, tokens: &[&Token], detail: Detail, theme: &Theme, keys: &mut Keys) {
        let Some(scale) = detail.dot() else { return };
        let places: Vec<Point> = tokens.iter().map(|token| self.dot(token)).collect();
        for (i, (token, &at)) in tokens.iter().zip(&places).enumerate() {
            let dot = Dot { class: token.class, is_retry: token.is_retry, failed: token.failed };
            keys.add(match dot {
                Dot { failed: true, .. } => Key::DotFailed,
                _ => Key::Dot(token.class),
            });
            if token.is_retry && !token.failed {
                keys.add(Key::DotRetry);
            }
            dot.draw(pen, at, scale, theme);
            let near = |(j, other): (usize, &Point)| j != i && (other.x - at.x).abs() + (other.y - at.y).abs() < 8.0;
            if detail == Detail::Close && !places.iter().enumerate().any(near) {
                dot.letter(pen, at, scale, theme);
            }
        }
    }
}

/// The calls that are dots on each way if of those on a link one in `every` is drawn.
fn on_ways<'a>((tokens, every): (&'a [Token], &[u64]), links: &[LinkFrame], ways: &[Way]) -> Vec<Vec<&'a Token>> {
    let by_name: BTreeMap<&str, usize> = ways.iter().enumerate().map(|(i, way)| (way.link.as_str(), i)).collect();
    let numbers: Vec<Option<usize>> = links.iter().map(|link| by_name.get(link.name.as_str()).copied()).collect();
    let mut on = vec![Vec::new(); ways.len()];
    for token in tokens.iter().filter(|token| is_drawn(token, every)) {
        if let Some(Some(way)) = numbers.get(token.link) {
            on[*way].push(token);
        }
    }
    on
}

/// Whether a call is a dot: on its way, and of the one in so many of its link.
pub fn is_drawn(token: &Token, every: &[u64]) -> bool {
    token.leg != Leg::AtCallee && every.get(token.link).is_some_and(|every| is_in(token.journey, *every))
}

/// How full each link is, as a share of the room on it, if there are marks on these links.
pub fn fullness(marks: impl Iterator<Item = usize>, links: &[LinkFrame], ways: &[Way], detail: Detail) -> Vec<f64> {
    let mut count = vec![0_u32; links.len()];
    marks.for_each(|link| count[link] += 1);
    let rooms: BTreeMap<&str, f64> = ways.iter().map(|way| (way.link.as_str(), way.room(detail))).collect();
    let room = |link: &LinkFrame| rooms.get(link.name.as_str()).copied().unwrap_or(f64::INFINITY);
    links.iter().zip(count).map(|(link, count)| f64::from(count) / room(link)).collect()
}

/// One of how many calls is drawn on each link: as many as leave room between them.
pub fn thinned(frame: &Frame, ways: &[Way], detail: Detail) -> Vec<u64> {
    let mut every = vec![frame.sampling; frame.links.len()];
    loop {
        let drawn = frame.tokens.iter().filter(|token| is_drawn(token, &every)).map(|token| token.link);
        let full = fullness(drawn, &frame.links, ways, detail);
        if full.iter().all(|full| *full <= 1.0) {
            return every;
        }
        every.iter_mut().zip(full).filter(|(_, full)| *full > 1.0).for_each(|(every, _)| *every = next_every(*every));
    }
}

/// Of the calls on each link one in `every`, as dots.
pub fn draw(
    sample: (&[Token], &[u64]),
    links: &[LinkFrame],
    ways: &[Way],
    detail: Detail,
    theme: &Theme,
    (items, keys): (&mut Vec<Item>, &mut Keys),
) {
    for (tokens, way) in on_ways(sample, links, ways).iter().zip(ways) {
        let mut pen = Pen { items, owner: Owner::Link(way.link.as_str().into()) };
        way.dots(&mut pen, tokens, detail, theme, keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash;

    fn way(link: &str, length: f64) -> Way {
        let corners = vec![Point::new(0.0, 0.0), Point::new(length, 0.0)];
        Way { link: link.to_owned(), corners, begin: MARGIN }
    }

    /// So many calls on each of the links, which are 100 pixels long.
    fn frame(calls: &[usize]) -> (Frame, Vec<Way>) {
        let link = |i: usize| LinkFrame { name: format!("l{i}"), rate: 1.0, ..LinkFrame::default() };
        let token = |link: usize, n: u64| Token {
            link,
            class: 0,
            leg: Leg::There,
            way: 0.5,
            journey: hash::mix2(3, n),
            is_retry: false,
            failed: false,
        };
        let tokens = calls.iter().enumerate().flat_map(|(i, n)| (0..*n as u64).map(move |n| token(i, n)));
        let frame = Frame {
            links: (0..calls.len()).map(link).collect(),
            tokens: tokens.collect(),
            sampling: 1,
            ..Frame::default()
        };
        (frame, (0..calls.len()).map(|i| way(&format!("l{i}"), 100.0)).collect())
    }

    #[test]
    fn a_full_link_takes_no_dot_from_the_others() {
        let (frame, ways) = frame(&[1_000, 8, 0]);
        let every = thinned(&frame, &ways, Detail::Full);
        assert!(every[0] >= 100 && every[1..] == [1, 1], "{every:?}");
        let drawn = frame.tokens.iter().filter(|token| is_drawn(token, &every)).map(|token| token.link);
        let full = fullness(drawn, &frame.links, &ways, Detail::Full);
        assert!(0.0 < full[0] && full[0] <= 1.0 && full[1..] == [0.8, 0.0], "{full:?}");
        // Larger dots need more room.
        assert!(thinned(&frame, &ways, Detail::Name)[1] > 1);
    }

    #[test]
    fn who_is_drawn_on_a_full_link_is_drawn_wherever_it_goes() {
        let (frame, ways) = frame(&[1_000, 200, 1_000]);
        let every = thinned(&frame, &ways, Detail::Full);
        let on = |link: usize| {
            let drawn = frame.tokens.iter().filter(|token| token.link == link && is_drawn(token, &every));
            drawn.map(|token| token.journey).collect::<Vec<u64>>()
        };
        assert!(!on(0).is_empty() && on(0).len() <= 10 && on(0) == on(2));
        // The first two hundred requests are on both.
        assert!(on(0).iter().filter(|id| (0..200).any(|n| hash::mix2(3, n) == **id)).all(|id| on(1).contains(id)));
    }

    #[test]
    fn the_legend_says_how_many_requests_a_dot_is() {
        let (mut frame, _) = frame(&[1, 1, 1]);
        frame.links[2].rate = 0.0;
        let words = |every: [u64; 3]| Sampling::of(&frame.links, &every).words();
        assert_eq!(words([1, 1, 500]), "1 dot = 1 request");
        assert_eq!(words([20, 20, 1]), "1 dot = 20 requests");
        assert_eq!(words([2_000, 20, 1]), "1 dot = 20 requests, up to 2k on full links");
        assert_eq!(words([1, 5_000_000, 1]), "1 dot = 1 request, up to 5M on full links");
    }
}
