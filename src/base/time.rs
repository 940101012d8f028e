//! Simulated time: an integer count of nanoseconds, so that equal inputs give equal results on every machine.

use std::ops::{Add, AddAssign, Mul, Sub};

/// An instant, in nanoseconds since the run began. 584 years fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub u64);

impl Time {
    pub const ZERO: Time = Time(0);
    /// Later than anything that happens: "never".
    pub const NEVER: Time = Time(u64::MAX);

    /// The time since `earlier`; zero if `earlier` is later.
    #[inline]
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the run began.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Span {
    pub const ZERO: Span = Span(0);
    pub const MAX: Span = Span(u64::MAX);

    pub const fn from_secs(s: u64) -> Span {
        Span(s * 1_000_000_000)
    }

    pub const fn from_millis(ms: u64) -> Span {
        Span(ms * 1_000_000)
    }

    pub const fn from_micros(us: u64) -> Span {
        Span(us * 1_000)
    }

    /// From seconds, rounded to the nearest nanosecond. Negative and not-a-number become zero, too large becomes `MAX`.
    #[inline]
    pub fn from_secs_f64(s: f64) -> Span {
        // `as` saturates and maps NaN to 0, which is what is wanted here.
        Span((s * 1e9 + 0.5) as u64)
    }

    /// From nanoseconds, rounded to the nearest, halves to even; saturating like [`Span::from_secs_f64`].
    #[inline]
    pub fn from_nanos_f64(ns: f64) -> Span {
        // Up to here the lowest bits of the sum are the rounded number: quicker than a conversion that looks out for too
        // large and negative ones.
        const LIMIT: f64 = (1u64 << 52) as f64;
        if (0.0..LIMIT).contains(&ns) {
            Span((ns + LIMIT).to_bits() - LIMIT.to_bits())
        } else {
            Span((ns + 0.5) as u64)
        }
    }

    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This span times `factor`, rounded.
    #[inline]
    pub fn scale(self, factor: f64) -> Span {
        Span::from_nanos_f64(self.0 as f64 * factor)
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub fn saturating_sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Add<Span> for Time {
    type Output = Time;
    #[inline]
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    #[inline]
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Span;
    /// Saturates at zero: spans are never negative.
    #[inline]
    fn sub(self, other: Span) -> Span {
        self.saturating_sub(other)
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, n: u64) -> Span {
        Span(self.0.saturating_mul(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_rounded_to_the_nearest_and_saturate() {
        for (ns, rounded) in [
            (0.0, 0),
            (-0.0, 0),
            (0.49, 0),
            (0.5, 0),
            (1.5, 2),
            (1e9 + 0.75, 1_000_000_001),
            ((1u64 << 52) as f64 - 0.5, 1 << 52),
            ((1u64 << 52) as f64, 1 << 52),
            ((1u64 << 60) as f64, 1 << 60),
            (1e30, u64::MAX),
            (f64::INFINITY, u64::MAX),
            (-1e-300, 0),
            (-7.0, 0),
            (f64::NAN, 0),
        ] {
            assert_eq!(Span::from_nanos_f64(ns), Span(rounded), "{ns}");
        }
    }
}
