//! What stands on the board besides cards and links: frames around cards, and texts.

use super::card;
use super::detail::Detail;
use super::layout::Block;
use super::scene::{Anchor, Dash, Item, Label, Owner, Paint, Pen, Point, Rect, Stroke};
use super::text::{self, Weight};
use super::theme::Theme;
use crate::design::{BoardFrame, Sticky};
use std::collections::BTreeMap;

const SIZE: f64 = 12.0;
const LINE: f64 = 16.0;
const PAD: f64 = 10.0;
/// Longer texts are cut.
const MOST_LINES: usize = 12;
/// From the cards to the border of their frame.
const AROUND: f64 = 12.0;

/// A text on the board, in lines.
pub struct Note {
    lines: Vec<String>,
    at: Option<Point>,
}

impl Note {
    pub fn new(sticky: &Sticky) -> Note {
        let lines = text::wrap(&sticky.text, SIZE, Weight::Regular, card::WIDTH - 2.0 * PAD, MOST_LINES);
        Note { lines, at: sticky.at.map(|(x, y)| Point::new(f64::from(x), f64::from(y))) }
    }

    pub fn block(&self) -> Block {
        let rect = self.rect(Point::default());
        Block { width: rect.w, height: rect.h, gutter: 0.0, at: self.at }
    }

    pub fn rect(&self, at: Point) -> Rect {
        Rect::new(at.x, at.y, card::WIDTH, 2.0 * PAD - 4.0 + LINE * self.lines.len().max(1) as f64)
    }

    pub fn draw(&self, items: &mut Vec<Item>, at: Point, detail: Detail, theme: &Theme) {
        let mut pen = Pen { items, owner: Owner::Page };
        let border = if theme.is_print() { theme.card_border } else { theme.note };
        pen.rect("note", self.rect(at), 3.0, Paint::fill(theme.note).outlined(border, 1.0));
        for (i, words) in self.lines.iter().enumerate() {
            let at = Point::new(at.x + PAD, at.y + PAD + 9.5 + LINE * i as f64);
            if detail < Detail::Glance {
                // That something is written there.
                let wide = text::width(words, SIZE, Weight::Regular);
                pen.rect("note-line", Rect::new(at.x, at.y - 7.0, wide, 6.0), 2.0, Paint::fill(theme.broken));
                continue;
            }
            let label = Label { at, anchor: Anchor::Start, size: SIZE, weight: Weight::Regular, text: words.clone() };
            pen.text("note-text", label, theme.text);
        }
    }
}

/// A border around the cards of a frame, whose rooms are given by number. Its title interrupts the border where that is
/// free, and is left out where it nowhere is. Returns where the title stands.
pub fn draw_frame(
    items: &mut Vec<Item>,
    frame: &BoardFrame,
    numbers: &BTreeMap<&str, usize>,
    (rooms, taken): (&[Rect], &[Rect]),
    detail: Detail,
    theme: &Theme,
) -> Option<Rect> {
    let inside = frame.nodes.iter().filter_map(|name| numbers.get(name.as_str())).map(|&i| rooms[i]);
    let around = Rect::around(inside)?.grown(AROUND);
    let mut pen = Pen { items, owner: Owner::Page };
    let stroke = Stroke { color: theme.link, width: 1.0, dash: Dash::Dashed };
    pen.rect("frame", around, 14.0, Paint { fill: None, stroke: Some(stroke) });
    let size = detail.title();
    let words = text::fit(&frame.title, size, Weight::SemiBold, around.w - 28.0);
    let wide = text::width(&words, size, Weight::SemiBold);
    let (left, right) = (around.x + 14.0, around.right() - 14.0 - wide);
    // On the border, and where a large title does not fit there, above or below it.
    let heights = [around.y + size / 3.0, around.y - 6.0, around.bottom() + size / 3.0, around.bottom() + size];
    let corners = heights.into_iter().flat_map(|y| [left, right].map(|x| Point::new(x, y)));
    let label = corners
        .map(|at| Label { at, anchor: Anchor::Start, size, weight: Weight::SemiBold, text: words.clone() })
        .find(|label| !taken.iter().any(|other| other.overlaps(&label.bounds().grown(3.0))))?;
    let ground = label.bounds().grown(3.0);
    pen.rect("frame-ground", ground, 0.0, Paint::fill(theme.background));
    pen.text("frame-title", label, theme.text);
    Some(ground)
}
