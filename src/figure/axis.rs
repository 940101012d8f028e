//! Axes: round numbers with units.

use crate::base::{maths, short};
use crate::design::FigureUnit;

/// An axis from a smallest to a largest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub from: f64,
    pub to: f64,
    pub is_log: bool,
}

/// A place on an axis, with what is written there.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub at: f64,
    pub text: String,
}

/// 1, 2 or 5 times a power of ten, not less than this.
fn round_up(value: f64) -> f64 {
    let power = maths::pow(10.0, maths::log10(value).floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|m| *m >= value * 0.999_999).unwrap_or(10.0 * power)
}

/// 1, 2 or 5 times a power of ten, not more than this.
fn round_down(value: f64) -> f64 {
    let power = maths::pow(10.0, maths::log10(value).floor());
    [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|m| *m <= value * 1.000_001).unwrap_or(power)
}

impl Axis {
    /// From zero to a round number that is not below `most`.
    pub fn linear(most: f64, ticks: usize) -> Axis {
        let step = round_up(most.max(1e-12) / ticks as f64);
        Axis { from: 0.0, to: step * (most / step).ceil().max(1.0), is_log: false }
    }

    /// Around two positive values, at round numbers.
    pub fn log(least: f64, most: f64) -> Axis {
        let least = least.max(1e-12);
        let most = most.max(least);
        let (from, to) = (round_down(least), round_up(most));
        Axis { from, to: if to > from { to } else { from * 10.0 }, is_log: true }
    }

    /// Around both.
    #[must_use]
    pub fn union(&self, other: &Axis) -> Axis {
        Axis { from: self.from.min(other.from), to: self.to.max(other.to), is_log: self.is_log }
    }

    /// Where a value is: 0 at the beginning of the axis, 1 at its end. Values outside are at the nearest end.
    pub fn share(&self, value: f64) -> f64 {
        let share = if self.is_log {
            maths::ln(value.max(1e-300) / self.from) / maths::ln(self.to / self.from)
        } else {
            (value - self.from) / (self.to - self.from)
        };
        share.clamp(0.0, 1.0)
    }

    /// About so many round values, at most.
    pub fn ticks(&self, unit: FigureUnit, most: usize) -> Vec<Tick> {
        let values = if self.is_log { self.log_values(most) } else { self.linear_values(most) };
        values.into_iter().map(|at| Tick { at, text: text(at, unit) }).collect()
    }

    fn linear_values(&self, most: usize) -> Vec<f64> {
        let step = round_up((self.to - self.from) / most as f64);
        let n = ((self.to - self.from) / step + 1e-9) as usize;
        (0..=n).map(|i| self.from + step * i as f64).collect()
    }

    fn log_values(&self, most: usize) -> Vec<f64> {
        let first = maths::log10(self.from).floor() as i32;
        let last = maths::log10(self.to).ceil() as i32;
        let inside = |value: &f64| *value >= self.from * 0.999 && *value <= self.to * 1.001;
        for steps in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
            let all =
                (first..=last).flat_map(|power| steps.iter().map(move |m| m * maths::pow(10.0, f64::from(power))));
            let values: Vec<f64> = all.filter(inside).collect();
            if values.len() <= most {
                return values;
            }
        }
        let stride = ((last - first) as usize).div_ceil(most.max(1)).max(1);
        (first..=last).step_by(stride).map(|power| maths::pow(10.0, f64::from(power))).filter(inside).collect()
    }
}

/// A round value: `200 ms`, `50 %`, `2k/s`.
/// A value in its unit, as it is written at an axis.
pub fn text(value: f64, unit: FigureUnit) -> String {
    let trim = |text: String| {
        let (number, rest) = text.split_at(text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len()));
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        format!("{number}{rest}")
    };
    match unit {
        _ if value == 0.0 => "0".to_owned(),
        FigureUnit::Seconds => trim(short::seconds(value)),
        FigureUnit::PerSecond => trim(short::rate(value)),
        FigureUnit::Share => trim(short::percent(value)),
        FigureUnit::Number => trim(short::number(value)),
    }
}

/// Round times from 0 to `length` seconds, about so many.
pub fn times(length: f64, most: usize) -> Vec<Tick> {
    const STEPS: [f64; 17] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0,
        86_400.0,
    ];
    let wanted = length / most.max(1) as f64;
    let step = if wanted < 1.0 {
        round_up(wanted)
    } else {
        STEPS.into_iter().find(|s| *s >= wanted).unwrap_or(round_up(wanted))
    };
    let (scale, unit) = match length {
        l if l <= 0.2 => (1e3, "ms"),
        l if l <= 180.0 => (1.0, "s"),
        l if l <= 10_800.0 => (60.0, "min"),
        _ => (3_600.0, "h"),
    };
    let n = (length / step + 1e-9) as usize;
    let tick = |i: usize| {
        let at = step * i as f64;
        // Rounded to what a step can be.
        let number = (at / scale * 1e4).round() / 1e4;
        Tick { at, text: if i == 0 { "0".to_owned() } else { format!("{number} {unit}") } }
    };
    (0..=n).map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: Axis, unit: FigureUnit, most: usize) -> Vec<String> {
        axis.ticks(unit, most).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn numbers_are_round_and_have_units() {
        assert_eq!(texts(Axis::linear(4_210.0, 4), FigureUnit::PerSecond, 4), ["0", "2k/s", "4k/s", "6k/s"]);
        assert_eq!(texts(Axis::linear(0.93, 4), FigureUnit::Share, 4), ["0", "50 %", "100 %"]);
        let log = Axis::log(0.0123, 0.35);
        assert_eq!(texts(log, FigureUnit::Seconds, 8), ["10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms"]);
        assert_eq!(texts(log, FigureUnit::Seconds, 3), ["10 ms", "100 ms"]);
        let nothing = Axis::linear(0.0, 4);
        assert!(nothing.to > nothing.from && nothing.share(0.0) == 0.0);
    }

    #[test]
    fn places_go_from_nought_to_one() {
        let log = Axis::log(0.01, 1.0);
        assert_eq!((log.share(0.01), log.share(1.0)), (0.0, 1.0));
        assert!((log.share(0.1) - 0.5).abs() < 1e-12);
        assert_eq!(Axis::linear(10.0, 5).share(99.0), 1.0);
    }

    #[test]
    fn times_are_told_in_the_unit_of_the_run() {
        let texts = |length: f64| times(length, 6).into_iter().map(|tick| tick.text).collect::<Vec<_>>();
        assert_eq!(texts(60.0), ["0", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
        assert_eq!(texts(600.0), ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]);
        assert_eq!(texts(2.0), ["0", "0.5 s", "1 s", "1.5 s", "2 s"]);
    }
}
