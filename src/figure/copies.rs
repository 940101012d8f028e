//! Copies of a node, on its card: replicas as squares, shards as bars.

use super::legend::{Key, Keys};
use super::scene::{Paint, Pen, Point, Rect, Seg, Shape, Stroke};
use super::theme::Theme;
use crate::engine::Stage;
use crate::metrics::CopyFrame;
use std::collections::BTreeMap;

/// As many replicas are shown one by one, where there is room; of more, a square stands for several.
const MOST_SQUARES: usize = 24;
/// From a square to the next, at least: its shape is to be seen.
const LEAST_SQUARE: f64 = 5.0;
/// From a bar to the next; where shards do not fit, one stands for several.
const NARROWEST: f64 = 2.5;
const WIDEST: f64 = 9.0;
const TALL: f64 = 12.0;

/// `3 of 4 replicas`
pub fn counted(copies: &[CopyFrame]) -> String {
    let up = copies.iter().filter(|copy| matches!(copy.stage, Stage::Running | Stage::Degraded)).count();
    let (all, plural) = (copies.len(), if copies.len() == 1 { "" } else { "s" });
    if up == all { format!("{all} replica{plural}") } else { format!("{up} of {all} replica{plural}") }
}

/// What is wrong with copies that nobody has ordered, in words.
pub fn by_chance(copies: &[CopyFrame]) -> Option<String> {
    let broken = copies.iter().filter(|copy| copy.stage == Stage::Broken).count();
    match (broken, copies.len()) {
        (0, _) => None,
        (_, 1) => Some("broken down".to_owned()),
        (n, all) => Some(format!("{n} of {all} broken down")),
    }
}

/// A strip of squares, one for each replica as far as there is room.
pub fn strip(pen: &mut Pen, room: Rect, copies: &[CopyFrame], theme: &Theme, keys: &mut Keys) {
    let most = ((room.w / LEAST_SQUARE) as usize).clamp(Stage::ALL.len(), MOST_SQUARES);
    let squares = squares(copies, most);
    if squares.len() < copies.len() {
        keys.add(Key::Many);
    }
    let each = (room.w / squares.len().max(1) as f64).min(WIDEST);
    for (i, stage) in squares.into_iter().enumerate() {
        keys.add(Key::Copies(stage));
        let side = (each - 2.0).max(1.0);
        square(pen, "replica", Rect::new(room.x + each * i as f64, room.y + 5.0, side, 7.0), stage, theme);
    }
}

/// What the squares show: each replica, in order; or shares of all, in which every stage that there is has a square.
fn squares(copies: &[CopyFrame], most: usize) -> Vec<Stage> {
    if copies.len() <= most {
        return copies.iter().map(|copy| copy.stage).collect();
    }
    let mut counts: BTreeMap<Stage, usize> = BTreeMap::new();
    copies.iter().for_each(|copy| *counts.entry(copy.stage).or_default() += 1);
    for count in counts.values_mut() {
        *count = (*count * most).div_ceil(copies.len());
    }
    // Rounding up gives at most a square too many for each stage; the commonest does without.
    while counts.values().sum::<usize>() > most {
        if let Some(commonest) = counts.values_mut().max() {
            *commonest -= 1;
        }
    }
    counts.into_iter().flat_map(|(stage, count)| std::iter::repeat_n(stage, count)).collect()
}

/// A replica at a stage, told by its shape as well as by its colour.
pub fn square(pen: &mut Pen, slot: &'static str, rect: Rect, stage: Stage, theme: &Theme) {
    let whole = |pen: &mut Pen, paint: Paint| pen.rect(slot, rect, 1.5, paint);
    let inner = rect.grown(-0.6);
    let line = |pen: &mut Pen, segs: Vec<Seg>| pen.draw(slot, Shape::Path(segs), Paint::line(theme.failing, 1.25));
    let rising = vec![Seg::Move(Point::new(inner.x, inner.bottom())), Seg::Line(Point::new(inner.right(), inner.y))];
    match stage {
        Stage::Running => whole(pen, Paint::fill(theme.muted)),
        Stage::Starting => {
            let filled = Rect::new(rect.x, rect.y + rect.h / 2.0, rect.w, rect.h / 2.0);
            pen.rect(slot, filled, 1.0, Paint::fill(theme.muted));
            whole(pen, Paint::line(theme.muted, 1.0));
        }
        Stage::Degraded => {
            whole(pen, Paint::fill(theme.strained));
            pen.hatch(slot, rect, 3.5, Stroke::solid(theme.hatch, 1.0));
            whole(pen, Paint::line(theme.outline.unwrap_or(theme.strained), 0.75));
        }
        Stage::Paused => {
            let bar = Rect { w: rect.w * 0.36, ..rect };
            pen.rect(slot, bar, 0.5, Paint::fill(theme.muted));
            pen.rect(slot, Rect { x: rect.right() - bar.w, ..bar }, 0.5, Paint::fill(theme.muted));
        }
        Stage::Draining => whole(pen, Paint::line(theme.muted, 1.25)),
        Stage::Broken => {
            whole(pen, Paint::line(theme.failing, 1.25));
            line(pen, rising);
        }
        Stage::Killed => {
            whole(pen, Paint::line(theme.failing, 1.25));
            let falling =
                [Seg::Move(Point::new(inner.x, inner.y)), Seg::Line(Point::new(inner.right(), inner.bottom()))];
            line(pen, rising.into_iter().chain(falling).collect());
        }
    }
}

/// A bar for each shard: what of the calls it has taken, beside the hottest one.
pub fn bars(pen: &mut Pen, room: Rect, copies: &[CopyFrame], theme: &Theme, keys: &mut Keys) {
    keys.add(Key::Shards);
    let fit = ((room.w / NARROWEST) as usize).clamp(1, copies.len().max(1));
    if fit < copies.len() {
        keys.add(Key::Many);
    }
    let each = (room.w / fit as f64).min(WIDEST);
    let hottest = copies.iter().map(|copy| copy.share).fold(0.0, f64::max);
    for i in 0..fit {
        let group = &copies[copies.len() * i / fit..copies.len() * (i + 1) / fit];
        let most = group.iter().map(|copy| copy.share).fold(0.0, f64::max);
        let down = group.iter().map(|copy| copy.stage).filter(|stage| *stage != Stage::Running).max();
        let height = if hottest > 0.0 { (TALL * most / hottest).max(1.0) } else { 1.0 };
        let bar = |height: f64| {
            Rect::new(room.x + each * i as f64, room.y + 14.0 - height, (each - 1.0 - each / 9.0).max(1.0), height)
        };
        if let Some(stage) = down {
            keys.add(Key::Copies(stage));
            square(pen, "shard", bar(TALL), stage, theme);
        } else {
            let color = if most == hottest && most > 0.0 { theme.text } else { theme.muted };
            pen.rect("shard", bar(height), 0.0, Paint::fill(color));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::scene::{Item, Owner};
    use crate::figure::theme::ThemeName;

    fn of(stages: &[(Stage, usize)]) -> Vec<CopyFrame> {
        let copies = stages.iter().flat_map(|&(stage, n)| std::iter::repeat_n(stage, n));
        copies.map(|stage| CopyFrame { stage, share: 0.0 }).collect()
    }

    #[test]
    fn each_replica_has_a_square_and_of_many_every_stage_has_one() {
        let few = of(&[(Stage::Running, 2), (Stage::Killed, 1), (Stage::Starting, 1)]);
        assert_eq!(squares(&few, 24), [Stage::Running, Stage::Running, Stage::Killed, Stage::Starting]);
        assert_eq!(counted(&few), "2 of 4 replicas");
        let many =
            squares(&of(&[(Stage::Running, 197), (Stage::Killed, 1), (Stage::Broken, 1), (Stage::Paused, 1)]), 9);
        assert_eq!(many.len(), 9);
        for stage in [Stage::Killed, Stage::Broken, Stage::Paused] {
            assert_eq!(many.iter().filter(|other| **other == stage).count(), 1);
        }
        assert_eq!(squares(&of(&[(Stage::Running, 200)]), 24).len(), 24);
    }

    #[test]
    fn only_what_nobody_ordered_is_told_as_chance() {
        assert_eq!(by_chance(&of(&[(Stage::Running, 3), (Stage::Killed, 1)])), None);
        assert_eq!(by_chance(&of(&[(Stage::Running, 3), (Stage::Broken, 2)])).as_deref(), Some("2 of 5 broken down"));
        assert_eq!(by_chance(&of(&[(Stage::Broken, 1)])).as_deref(), Some("broken down"));
    }

    /// Stages differ in what is drawn, not only in its colour: with one colour for all, no two look the same.
    #[test]
    fn stages_are_told_without_colour() {
        let theme = Theme::of(ThemeName::Print);
        let drawn = Stage::ALL.map(|stage| {
            let mut items: Vec<Item> = Vec::new();
            let mut pen = Pen { items: &mut items, owner: Owner::Page };
            square(&mut pen, "replica", Rect::new(0.0, 0.0, 7.0, 7.0), stage, &theme);
            let ink = |paint: &Paint| (paint.fill.is_some(), paint.stroke.is_some());
            items.into_iter().map(|item| (item.shape, ink(&item.paint))).collect::<Vec<_>>()
        });
        for (i, one) in drawn.iter().enumerate() {
            assert!(drawn[..i].iter().all(|other| other != one), "{:?}", Stage::ALL[i]);
        }
    }

    fn drawn_bars(shares: &[f64]) -> Vec<Rect> {
        let copies: Vec<CopyFrame> = shares.iter().map(|&share| CopyFrame { share, ..CopyFrame::default() }).collect();
        let mut items: Vec<Item> = Vec::new();
        let mut pen = Pen { items: &mut items, owner: Owner::Page };
        bars(&mut pen, Rect::new(0.0, 0.0, 96.0, 16.0), &copies, &Theme::of(ThemeName::Light), &mut Keys::default());
        items.iter().map(Item::bounds).collect()
    }

    #[test]
    fn each_shard_has_a_bar_and_of_several_the_hottest_is_seen() {
        let heights: Vec<f64> = drawn_bars(&[0.125, 0.5, 0.25, 0.375]).iter().map(|bar| bar.h).collect();
        assert_eq!(heights, [3.0, 12.0, 6.0, 9.0]);
        let mut many = [0.001; 320];
        many[100] = 0.681;
        let bars = drawn_bars(&many);
        assert_eq!(bars.len(), 38);
        assert_eq!(bars.iter().filter(|bar| bar.h == 12.0).count(), 1);
        assert_eq!(bars[11].h, 12.0);
    }
}
