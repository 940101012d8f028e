//! A card at a zoom at which its figures could not be read: fewer marks, and larger ones.

use super::card::{Card, HEIGHT, PAD, ROW, Row, WIDTH, WORDS, bold, cache, meter, plain};
use super::copies;
use super::detail::Detail;
use super::legend::{Key, Keys};
use super::scene::{Paint, Pen, Point, Rect, Shape};
use super::text::{self, Weight};
use super::theme::Theme;
use crate::base::short;
use crate::metrics::NodeFrame;

/// The meter on the lower edge of a mark.
const METER: f64 = 9.0;

impl Card<'_> {
    /// As on a map: the icon, with the name where that can be read; how busy it is, and whether something is wrong.
    pub(super) fn mark(&self, pen: &mut Pen, at: Point, detail: Detail, theme: &Theme, keys: &mut Keys) {
        let busy = self.node.and_then(NodeFrame::utilization);
        let floor = if busy.is_some() { METER + 10.0 } else { 0.0 };
        let free = Rect::new(at.x, at.y, WIDTH, self.height() - floor);
        let named = detail == Detail::Name;
        let side = if named { 28.0 } else { (free.h - 20.0).min(44.0) };
        // Free of the border and of the badge.
        let under = if self.node.is_some() { 14.0 } else { 8.0 };
        let left = if named { at.x + PAD + 4.0 } else { free.center().x - side / 2.0 };
        let top = if named { at.y + under } else { free.center().y - side / 2.0 };
        let icon = Rect::new(left, top, side, side);
        pen.draw("icon", Shape::Icon { kind: self.icon, rect: icon }, Paint::fill(theme.text));
        if named {
            let words = Rect::new(icon.right() + 10.0, at.y + under, at.x + WIDTH - PAD - icon.right() - 10.0, free.h);
            for (i, line) in lines(self.name, 19.0, words.w).into_iter().enumerate() {
                pen.text("name", bold(words.x, words.y + 14.0 + 20.0 * i as f64, 19.0, &line), theme.text);
            }
        }
        let Some(node) = self.node else { return };
        self.ring(pen, icon, node, theme, keys);
        if let Some(busy) = busy {
            let room = Rect::new(at.x + PAD, at.y + self.height() - METER - 8.0, WIDTH - 2.0 * PAD, METER);
            meter(pen, room, node, busy, None, theme, keys);
        }
        if self.queues {
            self.queue(pen, at, node, None, theme, keys);
        }
        if !self.badge_words(node).is_empty() {
            keys.add(Key::Badge);
            let (wide, tall) = if named { (34.0, 20.0) } else { (44.0, 26.0) };
            let pill = Rect::new(at.x + WIDTH - 10.0 - wide, at.y - tall / 2.0, wide, tall);
            pen.rect("badge", pill, tall / 2.0, Paint::fill(theme.failing));
        }
    }

    /// Name and rate, how busy it is, and its copies and cache without their figures.
    pub(super) fn glance(&self, pen: &mut Pen, at: Point, theme: &Theme, keys: &mut Keys) {
        let icon = self.draw_icon(pen, at, theme);
        let room = WIDTH - WORDS - PAD;
        let size = if text::width(self.name, 17.0, Weight::SemiBold) <= room { 17.0 } else { 14.0 };
        let name = text::fit(self.name, size, Weight::SemiBold, room);
        pen.text("name", bold(at.x + WORDS, at.y + 24.0, size, &name), theme.text);
        let Some(node) = self.node else { return };
        self.ring(pen, icon, node, theme, keys);
        if node.rate > 0.0 {
            pen.text("rate", plain(at.x + WORDS, at.y + 43.0, 15.0, &short::rate(node.rate)), theme.text);
        }
        let mut y = at.y + 62.0;
        if let Some(busy) = node.utilization() {
            let room = Rect::new(at.x + PAD, at.y + HEIGHT - 18.0, WIDTH - 2.0 * PAD - 48.0, METER);
            meter(pen, room, node, busy, Some(14.0), theme, keys);
            y += 10.0;
        }
        for row in self.rows() {
            let room = Rect::new(at.x + PAD, y, WIDTH - 2.0 * PAD, ROW - 3.0);
            match row {
                Row::Copies => copies::strip(pen, room, &node.copies, theme, keys),
                Row::Shards => copies::bars(pen, room, &node.copies, theme, keys),
                Row::Cache => cache(pen, room, node, false, theme, keys),
                Row::History | Row::Own => {}
            }
            y += ROW;
        }
        if self.queues {
            self.queue(pen, at, node, None, theme, keys);
        }
        self.badges(pen, at, node, 14.0, theme, keys);
    }
}

/// A name in one line or two, broken where a word of it ends.
fn lines(name: &str, size: f64, room: f64) -> Vec<String> {
    let fits = |text: &str| text::width(text, size, Weight::SemiBold) <= room;
    if fits(name) {
        return vec![name.to_owned()];
    }
    let mut ends =
        name.char_indices().filter(|(_, c)| matches!(c, '_' | '-' | '.' | ' ')).map(|(i, c)| i + c.len_utf8());
    match ends.rfind(|end| fits(name[..*end].trim_end())) {
        Some(end) => vec![name[..end].to_owned(), text::fit(&name[end..], size, Weight::SemiBold, room)],
        None => vec![text::fit(name, size, Weight::SemiBold, room)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_break_where_words_end() {
        assert_eq!(lines("db", 19.0, 110.0), ["db"]);
        assert_eq!(lines("same_crowd", 19.0, 80.0), ["same_", "crowd"]);
        assert_eq!(lines("best_of_two_users", 19.0, 110.0), ["best_of_", "two_users"]);
        let long = lines("a_name_of_forty_characters_for_a_node_42", 19.0, 110.0);
        assert!(long.len() == 2 && long[1].contains('…') && long[1].ends_with("42"), "{long:?}");
    }
}
