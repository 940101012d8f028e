//! Axes: round numbers with units.

use crate::base::{maths, short};
use crate::engine::Unit;

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

/// Ticks of a logarithmic axis, at most.
pub const LOG_TICKS: usize = 7;

/// Multiples of powers of ten at which it has ticks: the finest that are not too many.
const LOG_STEPS: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];

const LINEAR_STEPS: &[f64] = &[1.0, 2.0, 5.0];

/// One of these times a power of ten, not less than this.
fn round_up(value: f64, steps: &[f64]) -> f64 {
    let power = maths::pow(10.0, maths::log10(value).floor());
    steps.iter().map(|m| m * power).find(|m| *m >= value * 0.999_999).unwrap_or(10.0 * power)
}

/// One of these times a power of ten, not more than this.
fn round_down(value: f64, steps: &[f64]) -> f64 {
    let power = maths::pow(10.0, maths::log10(value).floor());
    steps.iter().rev().map(|m| m * power).find(|m| *m <= value * 1.000_001).unwrap_or(power)
}

/// These times powers of ten, on an axis.
fn log_values(axis: &Axis, steps: &[f64]) -> Vec<f64> {
    let (first, last) = (maths::log10(axis.from).floor() as i32, maths::log10(axis.to).ceil() as i32);
    let all = (first..=last).flat_map(|power| steps.iter().map(move |m| m * maths::pow(10.0, f64::from(power))));
    all.filter(|value| *value >= axis.from * 0.999 && *value <= axis.to * 1.001).collect()
}

impl Axis {
    /// From zero to a round number that is not below `most`.
    pub fn linear(most: f64, ticks: usize) -> Axis {
        let step = round_up(most.max(1e-12) / ticks as f64, LINEAR_STEPS);
        Axis { from: 0.0, to: step * (most / step).ceil().max(1.0), is_log: false }
    }

    /// Around two positive values, from a round number to another, both of which are ticks.
    pub fn log(least: f64, most: f64) -> Axis {
        let least = least.max(1e-12);
        let most = most.max(least);
        let around = |steps: &[f64]| {
            let (from, to) = (round_down(least, steps), round_up(most, steps));
            Axis { from, to: if to > from { to } else { from * 10.0 }, is_log: true }
        };
        let fits = |axis: &Axis, steps: &[f64]| log_values(axis, steps).len() <= LOG_TICKS;
        let mut axes = LOG_STEPS.iter().map(|steps| (around(steps), *steps));
        axes.find(|(axis, steps)| fits(axis, steps)).map_or_else(|| around(&[1.0]), |(axis, _)| axis)
    }

    /// Around both.
    #[must_use]
    pub fn union(&self, other: &Axis) -> Axis {
        let (from, to) = (self.from.min(other.from), self.to.max(other.to));
        if self.is_log { Axis::log(from, to) } else { Axis { from, to, is_log: false } }
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
    pub fn ticks(&self, unit: Unit, most: usize) -> Vec<Tick> {
        let values = if self.is_log { self.log_values(most) } else { self.linear_values(most) };
        values.into_iter().map(|at| Tick { at, text: text(at, unit) }).collect()
    }

    fn linear_values(&self, most: usize) -> Vec<f64> {
        let step = round_up((self.to - self.from) / most as f64, LINEAR_STEPS);
        let n = ((self.to - self.from) / step + 1e-9) as usize;
        (0..=n).map(|i| self.from + step * i as f64).collect()
    }

    fn log_values(&self, most: usize) -> Vec<f64> {
        let few = LOG_STEPS.iter().map(|steps| log_values(self, steps)).find(|values| values.len() <= most);
        few.unwrap_or_else(|| {
            let powers = log_values(self, &[1.0]);
            let stride = powers.len().div_ceil(most.max(1));
            powers.into_iter().step_by(stride).collect()
        })
    }
}

/// A value in its unit, without zeros that say nothing: `200 ms`, `50 %`, `2k/s`.
pub fn text(value: f64, unit: Unit) -> String {
    let trim = |text: String| {
        let (number, rest) = text.split_at(text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len()));
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        format!("{number}{rest}")
    };
    match unit {
        _ if value == 0.0 => "0".to_owned(),
        Unit::Seconds => trim(short::seconds(value)),
        Unit::PerSecond => trim(short::rate(value)),
        Unit::Share => trim(short::percent(value)),
        Unit::Number => trim(short::number(value)),
    }
}

/// A time of a run: `43.8 s`, `10 min`, `1.5 h`.
pub fn moment(seconds: f64) -> String {
    let rounded = |value: f64| (value * 100.0).round() / 100.0;
    match seconds {
        0.0 => "0 s".to_owned(),
        s if s < 600.0 => text(s, Unit::Seconds),
        s if s < 10_800.0 => format!("{} min", rounded(s / 60.0)),
        s => format!("{} h", rounded(s / 3_600.0)),
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
        round_up(wanted, LINEAR_STEPS)
    } else {
        STEPS.into_iter().find(|s| *s >= wanted).unwrap_or(round_up(wanted, LINEAR_STEPS))
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

    fn texts(axis: Axis, unit: Unit, most: usize) -> Vec<String> {
        axis.ticks(unit, most).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn numbers_are_round_and_have_units() {
        assert_eq!(texts(Axis::linear(4_210.0, 4), Unit::PerSecond, 4), ["0", "2k/s", "4k/s", "6k/s"]);
        assert_eq!(texts(Axis::linear(0.93, 4), Unit::Share, 4), ["0", "50 %", "100 %"]);
        let log = Axis::log(0.0123, 0.35);
        assert_eq!(texts(log, Unit::Seconds, 8), ["10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms"]);
        assert_eq!(texts(log, Unit::Seconds, 3), ["10 ms", "100 ms"]);
        assert_eq!([60.0, 43.75, 600.0, 5_400.0].map(moment), ["60 s", "43.8 s", "10 min", "90 min"]);
        let nothing = Axis::linear(0.0, 4);
        assert!(nothing.to > nothing.from && nothing.share(0.0) == 0.0);
    }

    /// Its ends are told, however much there is between them.
    #[test]
    fn a_logarithmic_axis_begins_and_ends_with_a_tick() {
        for (least, most) in [(0.006, 1.7), (0.03, 0.04), (1e-6, 3.0), (0.01, 0.01), (2e-9, 900.0)] {
            let axis = Axis::log(least, most);
            let ticks = axis.ticks(Unit::Seconds, LOG_TICKS);
            assert!(axis.from <= least && axis.to >= most && ticks.len() <= LOG_TICKS, "{axis:?}: {ticks:?}");
            let both = axis.union(&Axis::log(0.2, 0.4));
            assert_eq!(both, Axis::log(both.from, both.to));
            let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-6;
            assert!(near(ticks[0].at, axis.from), "{axis:?}: {ticks:?}");
            assert!(near(ticks[ticks.len() - 1].at, axis.to) || most / least > 1e6, "{axis:?}: {ticks:?}");
        }
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
