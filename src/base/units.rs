//! Quantities as people write them: `"2ms"`, `"10k/s"`, `"64 KiB"`, `"5%"`. A quantity without its unit is refused, with
//! the units that would do.

use super::time::Span;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// Events per second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Rate(pub f64);

/// A share between 0 and 1, written `0.05` or `"5%"`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Ratio(pub f64);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Bytes(pub u64);

/// Bytes per second, written `"1 Gbit/s"` or `"20 MiB/s"`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Bandwidth(pub f64);

/// A whole number that may be written `"10k"` or `"1M"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Count(pub u64);

/// A quantity that is read from and written as text.
pub trait Quantity: Sized {
    /// What is expected, for messages: `a time such as "2ms"`.
    const EXPECTED: &'static str;
    /// Parse what a person wrote, or say what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
    /// A bare number, where the quantity allows one.
    fn from_number(number: f64) -> Result<Self, String> {
        Err(format!("{number} has no unit: expected {}", Self::EXPECTED))
    }
    /// The shortest text that parses back to exactly this value.
    fn text(&self) -> String;
}

/// Split `"10k/s"` into 10 and `k/s`; refuses what is negative or not finite.
fn split(text: &str, expected: &str) -> Result<(f64, String), String> {
    let text = text.trim();
    let digits = text
        .char_indices()
        .take_while(|&(i, c)| {
            c.is_ascii_digit()
                || matches!(c, '.' | '_')
                || (i == 0 && matches!(c, '-' | '+'))
                // An exponent only where a digit or a sign follows: `1e6/s`, but not the `e` of a unit.
                || (matches!(c, 'e' | 'E') && text[i + 1..].starts_with(|d: char| d.is_ascii_digit() || matches!(d, '-' | '+')))
                || (matches!(c, '-' | '+') && i > 0 && text[..i].ends_with(['e', 'E']))
        })
        .map(|(i, c)| i + c.len_utf8())
        .last()
        .unwrap_or(0);
    let number = text[..digits].replace('_', "");
    let value: f64 =
        number.parse().map_err(|_| format!("`{text}` does not begin with a number: expected {expected}"))?;
    if value < 0.0 || text.starts_with('-') {
        return Err(format!("`{text}` is negative: expected {expected}"));
    }
    if !value.is_finite() {
        return Err(format!("`{text}` is too large: expected {expected}"));
    }
    Ok((value, text[digits..].trim().to_owned()))
}

/// `f64`'s shortest text, which parses back to the same value.
fn shortest(value: f64) -> String {
    format!("{value}")
}

const SPAN_UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

impl Quantity for Span {
    const EXPECTED: &'static str = "a time such as \"2ms\" (ns, us, ms, s, min, h, d)";

    fn parse(text: &str) -> Result<Self, String> {
        let (value, unit) = split(text, Self::EXPECTED)?;
        if unit.is_empty() {
            if value == 0.0 {
                return Ok(Span::ZERO);
            }
            return Err(format!("`{text}` has no unit: expected {}", Self::EXPECTED));
        }
        let Some((_, scale)) = SPAN_UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("`{unit}` is not a unit of time: expected {}", Self::EXPECTED));
        };
        let nanos = value * *scale as f64;
        // A quarter of the range, so that sums of a few spans never saturate.
        if nanos > (u64::MAX / 4) as f64 {
            return Err(format!("`{text}` is too long: at most 146 years fit"));
        }
        Ok(Span((nanos + 0.5) as u64))
    }

    fn text(&self) -> String {
        if self.0 == 0 {
            return "0s".to_owned();
        }
        // The largest unit in which the value is a short number; microseconds are written `us`.
        let (unit, scale) = ["d", "h", "min", "s", "ms", "us"]
            .iter()
            .filter_map(|unit| SPAN_UNITS.iter().find(|(name, _)| name == unit))
            .find(|(unit, scale)| {
                self.0 >= *scale
                    && (self.0.is_multiple_of(*scale)
                        || (!matches!(*unit, "d" | "h" | "min") && (self.0 % *scale).is_multiple_of(scale / 1_000)))
            })
            .copied()
            .unwrap_or(("ns", 1));
        let text = format!("{}{unit}", shortest(self.0 as f64 / scale as f64));
        if Span::parse(&text) == Ok(*self) { text } else { format!("{}ns", self.0) }
    }
}

fn magnitude(unit: &str) -> Option<(f64, &str)> {
    let scale = match unit.chars().next()? {
        'k' | 'K' => 1e3,
        'M' => 1e6,
        'G' => 1e9,
        _ => return Some((1.0, unit)),
    };
    Some((scale, &unit[1..]))
}

/// The seconds of what a rate is per: `/s`, and as other tools and people write it, `req/s`, `rps`, `per second`.
fn period(per: &str) -> Option<f64> {
    let per = per.to_ascii_lowercase();
    let bare = ["requests", "request", "reqs", "req", "calls", "messages", "msgs", "msg"];
    let per = bare.iter().find_map(|word| per.strip_prefix(word)).unwrap_or(&per).trim_start();
    Some(match per {
        "/s" | "/sec" | "/second" | "per second" | "rps" | "qps" | "tps" => 1.0,
        "/min" | "/minute" | "per minute" | "rpm" => 60.0,
        "/h" | "/hour" | "per hour" => 3_600.0,
        _ => return None,
    })
}

impl Quantity for Rate {
    const EXPECTED: &'static str = "a rate such as \"10k/s\" (/s, /min, /h, with k, M or G)";

    fn parse(text: &str) -> Result<Self, String> {
        let (value, unit) = split(text, Self::EXPECTED)?;
        let (scale, per) = magnitude(&unit).unwrap_or((1.0, ""));
        let Some(seconds) = period(per.trim()) else {
            return Err(format!("`{text}` is not a rate: expected {}", Self::EXPECTED));
        };
        let rate = value * scale / seconds;
        if rate > 1e12 { Err(format!("`{text}` is too fast: at most 1000G/s fit")) } else { Ok(Rate(rate)) }
    }

    fn text(&self) -> String {
        for (scale, name) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
            let text = format!("{}{name}/s", shortest(self.0 / scale));
            if self.0 >= scale && text.len() <= 8 && Rate::parse(&text) == Ok(*self) {
                return text;
            }
        }
        format!("{}/s", shortest(self.0))
    }
}

impl Quantity for Ratio {
    const EXPECTED: &'static str = "a share such as \"5%\" or 0.05";

    fn parse(text: &str) -> Result<Self, String> {
        let (value, unit) = split(text, Self::EXPECTED)?;
        match unit.as_str() {
            "%" => Self::from_number(value / 100.0),
            "" => Self::from_number(value),
            _ => Err(format!("`{text}` is not a share: expected {}", Self::EXPECTED)),
        }
    }

    fn from_number(number: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&number) {
            Ok(Ratio(number))
        } else {
            Err(format!("{number} is not between 0 and 1: expected {}", Self::EXPECTED))
        }
    }

    fn text(&self) -> String {
        let percent = format!("{}%", shortest(self.0 * 100.0));
        if percent.len() <= 6 && Ratio::parse(&percent) == Ok(*self) { percent } else { shortest(self.0) }
    }
}

const BYTE_UNITS: [(&str, f64); 9] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

impl Quantity for Bytes {
    const EXPECTED: &'static str = "a size such as \"64 KiB\" (B, kB, MB, GB, KiB, MiB, GiB)";

    fn parse(text: &str) -> Result<Self, String> {
        let (value, unit) = split(text, Self::EXPECTED)?;
        let Some((_, scale)) = BYTE_UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("`{text}` is not a size: expected {}", Self::EXPECTED));
        };
        let bytes = value * scale;
        if bytes > 1e15 {
            Err(format!("`{text}` is too large: at most 1 PB fits"))
        } else {
            Ok(Bytes((bytes + 0.5) as u64))
        }
    }

    fn text(&self) -> String {
        for unit in ["GiB", "MiB", "KiB", "GB", "MB", "kB"] {
            let scale = BYTE_UNITS.iter().find(|(name, _)| *name == unit).map_or(1, |(_, s)| *s as u64);
            if self.0 >= scale && self.0.is_multiple_of(scale) {
                return format!("{} {unit}", self.0 / scale);
            }
        }
        format!("{} B", self.0)
    }
}

/// Between these a message of any size takes a time that fits: bytes per second.
const SLOWEST: f64 = 1.0 / 8.0;
const FASTEST: f64 = 1e15;

impl Quantity for Bandwidth {
    const EXPECTED: &'static str = "a bandwidth such as \"1 Gbit/s\" or \"20 MiB/s\"";

    fn parse(text: &str) -> Result<Self, String> {
        let (value, unit) = split(text, Self::EXPECTED)?;
        let wrong = || format!("`{text}` is not a bandwidth: expected {}", Self::EXPECTED);
        let per_second = unit.strip_suffix("/s").ok_or_else(wrong)?;
        let scale = match per_second {
            "bit" => 1.0 / 8.0,
            "kbit" => 1e3 / 8.0,
            "Mbit" => 1e6 / 8.0,
            "Gbit" => 1e9 / 8.0,
            bytes => BYTE_UNITS.iter().find(|(name, _)| *name == bytes).map(|(_, s)| *s).ok_or_else(wrong)?,
        };
        let bandwidth = value * scale;
        if value == 0.0 {
            Err(format!("`{text}` carries nothing: a bandwidth is above zero"))
        } else if bandwidth < SLOWEST {
            Err(format!("`{text}` is too slow: at least 1 bit/s is needed"))
        } else if bandwidth > FASTEST {
            Err(format!("`{text}` is too fast: at most 1 PB/s fits"))
        } else {
            Ok(Bandwidth(bandwidth))
        }
    }

    fn text(&self) -> String {
        for (scale, name) in [(1e9 / 8.0, "Gbit/s"), (1e6 / 8.0, "Mbit/s"), (1e3, "kB/s")] {
            let text = format!("{} {name}", shortest(self.0 / scale));
            if self.0 >= scale && text.len() <= 12 && Bandwidth::parse(&text) == Ok(*self) {
                return text;
            }
        }
        format!("{} B/s", shortest(self.0))
    }
}

impl Quantity for Count {
    const EXPECTED: &'static str = "a whole number such as 1000, \"10k\" or \"1M\"";

    fn parse(text: &str) -> Result<Self, String> {
        let (value, unit) = split(text, Self::EXPECTED)?;
        match magnitude(&unit) {
            None => Self::from_number(value),
            Some((scale, "")) => Self::from_number(value * scale),
            Some(_) => Err(format!("`{text}` is not a number: expected {}", Self::EXPECTED)),
        }
    }

    fn from_number(number: f64) -> Result<Self, String> {
        let rounded = (number + 0.5) as u64;
        if !(0.0..=1e15).contains(&number) || (number - rounded as f64).abs() > 1e-6 * number.max(1.0) {
            return Err(format!("{number} is not a whole number from 0 to 1e15: expected {}", Self::EXPECTED));
        }
        Ok(Count(rounded))
    }

    fn text(&self) -> String {
        for (scale, name) in [(1_000_000, "M"), (1_000, "k")] {
            if self.0 >= scale && self.0.is_multiple_of(scale) {
                return format!("{}{name}", self.0 / scale);
            }
        }
        self.0.to_string()
    }
}

struct QuantityVisitor<Q>(std::marker::PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Q, E> {
        Q::parse(text).map_err(E::custom)
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Q, E> {
        Q::from_number(number).map_err(E::custom)
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Q, E> {
        self.visit_f64(number as f64)
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Q, E> {
        self.visit_f64(number as f64)
    }
}

macro_rules! serde_as_text {
    ($($quantity:ty),*) => {$(
        impl<'de> Deserialize<'de> for $quantity {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                d.deserialize_any(QuantityVisitor(std::marker::PhantomData))
            }
        }
        impl fmt::Display for $quantity {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text())
            }
        }
    )*};
}
serde_as_text!(Span, Rate, Ratio, Bytes, Bandwidth, Count);

macro_rules! write_as_text {
    ($($quantity:ty),*) => {$(
        impl Serialize for $quantity {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.text())
            }
        }
    )*};
}
write_as_text!(Span, Rate, Bytes, Bandwidth);

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(self.0)
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    #[test]
    fn what_people_write_is_understood() {
        assert_eq!(Span::parse("2 ms"), Ok(Span::from_millis(2)));
        assert_eq!(Span::parse("1.5s"), Ok(Span::from_millis(1_500)));
        assert_eq!(Span::parse("1e-3 s"), Ok(Span::from_millis(1)));
        assert_eq!(Span::parse("250µs"), Ok(Span::from_micros(250)));
        assert_eq!(Rate::parse("10k/s"), Ok(Rate(10_000.0)));
        assert_eq!(Rate::parse("6000 /min"), Ok(Rate(100.0)));
        for text in
            ["100 req/s", "100rps", "100 rps", "0.1K/s", "100 requests per second", "0.1k QPS", "6000 rpm", "100/sec"]
        {
            assert_eq!(Rate::parse(text), Ok(Rate(100.0)), "{text}");
        }
        assert_eq!(Count::parse("10K"), Ok(Count(10_000)));
        assert_eq!(Bytes::parse("64 KiB"), Ok(Bytes(65_536)));
        assert_eq!(Ratio::parse("5%"), Ok(Ratio(0.05)));
        assert_eq!(Bandwidth::parse("1 Gbit/s"), Ok(Bandwidth(125e6)));
        assert_eq!(Count::parse("1M"), Ok(Count(1_000_000)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (result, part) in [
            (Span::parse("2").err(), "no unit"),
            (Span::parse("-2ms").err(), "negative"),
            (Span::parse("2 parsecs").err(), "not a unit of time"),
            (Span::parse("NaN ms").err(), "does not begin with a number"),
            (Span::parse("1e300 d").err(), "too long"),
            (Bandwidth::parse("1e308 GB/s").err(), "too fast"),
            (Bandwidth::parse("2 PB/s").err(), "not a bandwidth"),
            (Bandwidth::parse("1e-300 B/s").err(), "too slow"),
            (Bandwidth::parse("0.5 bit/s").err(), "too slow"),
            (Rate::parse("10").err().or(Some("no".into())), "not a rate"),
            (Rate::parse("10 MB/s").err(), "not a rate"),
            (Rate::parse("10 req").err(), "not a rate"),
            (Ratio::parse("120%").err().or(None), "not between 0 and 1"),
            (Count::parse("1.5").err().or(None), "not a whole number"),
        ] {
            let message = result.unwrap_or_default();
            assert!(message.contains(part), "`{message}` does not say `{part}`");
        }
    }

    #[test]
    fn text_parses_back_to_the_same_value() {
        let mut rng = Rng::seeded(3);
        for _ in 0..10_000 {
            let span = Span((rng.exp1() * 1e10) as u64);
            assert_eq!(Span::parse(&span.text()), Ok(span));
            let round = Span(span.0 / 1_000_000 * 1_000_000);
            assert_eq!(Span::parse(&round.text()), Ok(round));
            let rate = Rate(rng.exp1() * 1e5);
            assert_eq!(Rate::parse(&rate.text()), Ok(rate));
            let bytes = Bytes(rng.next_u64() % 1_000_000_000);
            assert_eq!(Bytes::parse(&bytes.text()), Ok(bytes));
            let ratio = Ratio(rng.uniform());
            assert_eq!(Ratio::parse(&ratio.text()), Ok(ratio));
            let bandwidth = Bandwidth(rng.exp1() * 1e8);
            assert_eq!(Bandwidth::parse(&bandwidth.text()), Ok(bandwidth));
        }
    }
}
