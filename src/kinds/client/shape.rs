//! How much the shape of a client's rate makes of a time, and how much time it takes to make so much.

use super::Shape;
use crate::base::maths;

/// A stretch of a shape: how long, the factor at its beginning, and by how much that grows a second.
type Piece = (f64, f64, f64);

impl Shape {
    /// The largest factor that it reaches.
    pub(super) fn peak(&self) -> f64 {
        match self {
            Shape::Steady => 1.0,
            Shape::Ramp { to, .. } | Shape::Step { to, .. } | Shape::Spike { to, .. } => to.max(1.0),
            Shape::Diurnal { amplitude, .. } => 1.0 + amplitude.0,
        }
    }

    /// What it consists of from `t` seconds on, the last of it for ever; a sine does not consist of such.
    fn pieces(&self, t: f64) -> [Piece; 3] {
        const NONE: Piece = (0.0, 0.0, 0.0);
        let left = |until: f64| (until - t).max(0.0);
        match self {
            Shape::Steady | Shape::Diurnal { .. } => [(f64::INFINITY, 1.0, 0.0), NONE, NONE],
            Shape::Step { at, to } => [(left(at.as_secs()), 1.0, 0.0), (f64::INFINITY, *to, 0.0), NONE],
            Shape::Spike { at, lasting, to } => {
                let before = left(at.as_secs());
                let within = left(at.as_secs() + lasting.as_secs()) - before;
                [(before, 1.0, 0.0), (within, *to, 0.0), (f64::INFINITY, 1.0, 0.0)]
            }
            Shape::Ramp { start, over, to } => {
                let over = over.as_secs().max(1e-9);
                let before = left(start.as_secs());
                let within = left(start.as_secs() + over) - before;
                let slope = (to - 1.0) / over;
                let first = 1.0 + slope * (t - start.as_secs()).clamp(0.0, over);
                [(before, 1.0, 0.0), (within, first, slope), (f64::INFINITY, *to, 0.0)]
            }
        }
    }

    /// The factor summed over `gap` seconds from `t` on.
    pub(super) fn area(&self, t: f64, gap: f64) -> f64 {
        if let Shape::Diurnal { period, amplitude } = self {
            let half_turn = std::f64::consts::PI / period.as_secs();
            let swing = maths::sin(half_turn * (2.0 * t + gap)) * maths::sin(half_turn * gap);
            return gap + amplitude.0 * swing / half_turn;
        }
        let (mut left, mut sum) = (gap, 0.0);
        for (length, first, slope) in self.pieces(t) {
            let within = left.min(length);
            sum += within * (first + slope * within / 2.0);
            left -= within;
        }
        sum
    }

    /// Seconds from `t` on until the factor, summed, makes `needed`; infinite if it never does.
    pub(super) fn gap(&self, t: f64, needed: f64) -> f64 {
        if let Shape::Diurnal { period, amplitude } = self {
            return diurnal_gap(period.as_secs(), amplitude.0, t, needed);
        }
        let (mut needed, mut gap) = (needed, 0.0);
        for (length, first, slope) in self.pieces(t) {
            let all = if length.is_finite() { length * (first + slope * length / 2.0) } else { f64::INFINITY };
            if length > 0.0 && needed <= all {
                // The root that does not lose digits where the slope is small.
                let root = (first * first + 2.0 * slope * needed).max(0.0).sqrt();
                return gap + if needed > 0.0 { 2.0 * needed / (first + root) } else { 0.0 };
            }
            if length > 0.0 {
                needed -= all;
                gap += length;
            }
        }
        f64::INFINITY
    }
}

/// A whole period makes as much as it is long; within one, Newton's steps where they stay between what is too little and what
/// is too much, and halves elsewhere.
fn diurnal_gap(period: f64, amplitude: f64, t: f64, needed: f64) -> f64 {
    let shape = |at: f64| 1.0 + amplitude * maths::sin(std::f64::consts::TAU * at / period);
    let whole = (needed / period).floor() * period;
    let needed = needed - whole;
    let half_turn = std::f64::consts::PI / period;
    let area =
        |gap: f64| gap + amplitude * maths::sin(half_turn * (2.0 * t + gap)) * maths::sin(half_turn * gap) / half_turn;
    let (mut low, mut high) = (0.0, period);
    let mut gap = (needed / shape(t).max(0.1)).min(period);
    for _ in 0..64 {
        let over = area(gap) - needed;
        if over >= 0.0 {
            high = gap;
        } else {
            low = gap;
        }
        let newton = gap - over / shape(t + gap);
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        let moved = (next - gap).abs();
        gap = next;
        // A tenth of a nanosecond, or what a number of this size can tell.
        if moved <= 1e-10 || high - low <= 1e-10 || moved <= 1e-15 * gap {
            break;
        }
    }
    whole + gap
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Ratio, Span};

    fn shapes() -> Vec<Shape> {
        let (second, two) = (Span::from_secs(1), Span::from_secs(2));
        vec![
            Shape::Steady,
            Shape::Step { at: second, to: 0.0 },
            Shape::Step { at: second, to: 7.0 },
            Shape::Spike { at: second, lasting: two, to: 0.0 },
            Shape::Spike { at: second, lasting: two, to: 1e6 },
            Shape::Ramp { start: second, over: two, to: 0.0 },
            Shape::Ramp { start: second, over: two, to: 5.0 },
            Shape::Ramp { start: second, over: Span::ZERO, to: 5.0 },
            Shape::Diurnal { period: two, amplitude: Ratio(1.0) },
            Shape::Diurnal { period: Span(1), amplitude: Ratio(0.5) },
            Shape::Diurnal { period: Span::from_secs(86_400), amplitude: Ratio(0.3) },
        ]
    }

    #[test]
    fn the_gap_is_what_makes_the_area() {
        for shape in shapes() {
            for t in [0.0, 0.3, 0.999_999_9, 1.0, 1.7, 2.9, 3.0, 1e4] {
                for needed in [1e-9, 1e-6, 0.01, 0.5, 1.0, 3.3, 1e3, 1e6] {
                    let gap = shape.gap(t, needed);
                    if gap.is_finite() {
                        let area = shape.area(t, gap);
                        let most = shape.peak() * 2e-9;
                        assert!(
                            (area / needed - 1.0).abs() < 1e-6 || (area - needed).abs() < most,
                            "{shape:?} {t} {needed}: {area}"
                        );
                    } else {
                        assert!(shape.area(t, 1e12) < needed * 1.000_001, "{shape:?} from {t} never makes {needed}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_never_comes_is_told_at_once() {
        let step = Shape::Step { at: Span(996_954), to: 0.0 };
        assert_eq!(step.gap(996_953e-9, 1e-6), f64::INFINITY);
        let tiny = Shape::Step { at: Span::from_millis(100), to: 0.5 };
        assert!((tiny.gap(0.0, 1e6) / 2e6 - 1.0).abs() < 1e-6);
    }
}
