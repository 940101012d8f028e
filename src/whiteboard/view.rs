//! Which part of the board is seen, and how large.

use crate::editor::{Area, Point};
use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// The smallest and the largest zoom by hand.
pub const ZOOMS: (f32, f32) = (0.05, 4.0);
/// The smallest at which everything is shown, however much there is.
const SMALLEST: f32 = 0.001;
/// What one step of the wheel or of a key does.
pub const STEP: f32 = 1.189_207;
/// Room left around what is fitted into the window, in points of the screen.
const MARGIN: f32 = 48.0;

/// From the board to the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Points of the screen to a pixel of the board.
    pub zoom: f32,
    /// Where on the screen the board's origin is.
    pub origin: Pos2,
}

impl Default for View {
    fn default() -> Self {
        View { zoom: 1.0, origin: pos2(0.0, 0.0) }
    }
}

impl View {
    pub fn to_screen(self, at: Point) -> Pos2 {
        self.origin + vec2(at.0, at.1) * self.zoom
    }

    pub fn to_board(self, at: Pos2) -> Point {
        let at = (at - self.origin) / self.zoom;
        (at.x, at.y)
    }

    pub fn pan(&mut self, by: Vec2) {
        self.origin += by;
    }

    /// Zoom by a factor, keeping what is at `center` of the screen where it is.
    pub fn zoom_at(&mut self, center: Pos2, factor: f32) {
        // Where everything is shown smaller than that, it does not jump.
        let zoom = (self.zoom * factor).clamp(ZOOMS.0.min(self.zoom), ZOOMS.1);
        self.origin = center + (self.origin - center) * (zoom / self.zoom);
        self.zoom = zoom;
    }

    /// Show all of an area, no larger than it is.
    pub fn fit(&mut self, area: Area, screen: Rect) {
        let size = vec2(area.max.0 - area.min.0, area.max.1 - area.min.1).max(Vec2::splat(1.0));
        let room = (screen.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
        self.zoom = (room.x / size.x).min(room.y / size.y).clamp(SMALLEST, 1.0);
        let middle = vec2(area.min.0 + area.max.0, area.min.1 + area.max.1) / 2.0;
        self.origin = screen.center() - middle * self.zoom;
    }

    /// Pan as little as needed to see all of an area.
    pub fn reveal(&mut self, area: Area, screen: Rect) {
        let (min, max) = (self.to_screen(area.min), self.to_screen(area.max));
        let inner = screen.shrink(MARGIN / 2.0);
        let need = |min: f32, max: f32, from: f32, until: f32| {
            if min < from {
                from - min
            } else if max > until {
                (until - max).max(from - min)
            } else {
                0.0
            }
        };
        let by = vec2(need(min.x, max.x, inner.left(), inner.right()), need(min.y, max.y, inner.top(), inner.bottom()));
        self.pan(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_place_under_the_pointer() {
        let mut view = View { zoom: 0.7, origin: pos2(31.0, -12.0) };
        let pointer = pos2(400.0, 300.0);
        let before = view.to_board(pointer);
        for factor in [1.3, 0.2, 100.0, STEP] {
            view.zoom_at(pointer, factor);
            let after = view.to_board(pointer);
            assert!((after.0 - before.0).abs() < 0.01 && (after.1 - before.1).abs() < 0.01, "{after:?} {before:?}");
            assert!((ZOOMS.0..=ZOOMS.1).contains(&view.zoom));
        }
    }

    #[test]
    fn what_is_fitted_or_revealed_is_seen() {
        let screen = Rect::from_min_size(pos2(100.0, 50.0), vec2(800.0, 500.0));
        let mut view = View::default();
        let area = Area { min: (-3_000.0, 100.0), max: (1_000.0, 900.0) };
        view.fit(area, screen);
        assert!(screen.contains(view.to_screen(area.min)) && screen.contains(view.to_screen(area.max)));
        // Five hundred cards in a row.
        let area = Area { min: (0.0, 0.0), max: (168.0, 72_000.0) };
        view.fit(area, screen);
        assert!(screen.contains(view.to_screen(area.min)) && screen.contains(view.to_screen(area.max)));
        let before = view.zoom;
        view.zoom_at(screen.center(), 0.5);
        assert_eq!(view.zoom, before, "no smaller, and no jump");
        let card = Area { min: (2_000.0, 2_000.0), max: (2_168.0, 2_072.0) };
        view.reveal(card, screen);
        assert!(screen.contains(view.to_screen(card.min)) && screen.contains(view.to_screen(card.max)));
        let seen = view;
        view.reveal(card, screen);
        assert_eq!(view, seen, "what is seen needs no moving");
    }
}
