//! Distributions of times. [`Dist`] is what a file says; [`Sampler`] is the same, ready to draw.

use super::maths;
use super::rng::Rng;
use super::time::Span;
use super::units::{Quantity as _, Ratio};
use serde::de::{EnumAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A distribution of times. In a file, a bare time is a constant: `"10ms"`.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    Constant(Span),
    Shaped(Box<Shape>),
}

/// The distributions with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Shape {
    /// Memoryless, with this mean; coefficient of variation 1.
    Exponential(Span),
    /// Equally likely anywhere between the two.
    Uniform { min: Span, max: Span },
    /// Bell curve, cut at zero.
    Normal { mean: Span, sd: Span },
    /// Right-skewed, as service times are measured to be. `cv` is standard deviation over mean.
    LogNormal { mean: Span, cv: f64 },
    /// Sum of `stages` exponentials: less variable than one. The mean is of the whole.
    Erlang { mean: Span, stages: u32 },
    /// Mostly `fast`, sometimes (`slow_share`) `slow`: two exponentials.
    Hyperexponential { fast: Span, slow: Span, slow_share: Ratio },
    /// `scale * (-ln u)^(1/shape)`; heavy-tailed below shape 1.
    Weibull { scale: Span, shape: f64 },
    /// `min / u^(1/alpha)`; infinite variance at alpha of 2 or less.
    Pareto { min: Span, alpha: f64 },
    /// One of several, by weight.
    Mixture(Vec<(f64, Dist)>),
    /// Another distribution, its values moved to the nearest end of the range.
    Clipped { of: Dist, min: Span, max: Span },
}

impl Dist {
    pub const ZERO: Dist = Dist::Constant(Span::ZERO);

    pub fn constant(span: Span) -> Dist {
        Dist::Constant(span)
    }

    pub fn exponential(mean: Span) -> Dist {
        Dist::Shaped(Box::new(Shape::Exponential(mean)))
    }

    /// What the shapes and their parameters are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Constant", "Constant."),
        ("Exponential", "Exponential with this mean: memoryless, coefficient of variation 1."),
        ("Uniform", "Equally likely anywhere between the two."),
        ("Normal", "Normal; draws below 0 count as 0, which raises the mean where sd is large (by 8 % at sd = mean)."),
        ("LogNormal", "Log-normal: right-skewed, as measured service times are."),
        ("Erlang", "Sum of exponentials: less variable than one."),
        ("Hyperexponential", "Mostly fast, sometimes slow: two exponentials."),
        ("Weibull", "scale * (-ln u)^(1/shape); heavy-tailed below shape 1."),
        ("Pareto", "min / u^(1/alpha); infinite variance at alpha of 2 or less."),
        ("Mixture", "Mixture: one of several, by weight."),
        ("Clipped", "Another distribution, clipped to a range."),
        ("mean", "Mean; of Normal, that before draws below 0 are cut."),
        ("sd", "Standard deviation."),
        ("cv", "Standard deviation over mean."),
        ("stages", "Number of exponential stages; more vary less."),
        ("fast", "Mean of the fast part."),
        ("slow", "Mean of the slow part."),
        ("slow_share", "Share of the slow part."),
        ("scale", "Scale parameter."),
        ("shape", "Shape parameter: below 1 the tail is heavy."),
        ("alpha", "Tail index: less is heavier."),
        ("min", "Shortest time."),
        ("max", "Longest time."),
        ("of", "Distribution that is clipped."),
    ];

    /// The named shape with this mean, its other parameters as they are typical; none if there is no such shape.
    pub fn with_mean(name: &str, mean: Span) -> Option<Dist> {
        let times = |factor: f64| mean.scale(factor);
        Some(Dist::Shaped(Box::new(match name {
            "Exponential" => Shape::Exponential(mean),
            "Uniform" => Shape::Uniform { min: times(0.5), max: times(1.5) },
            "Normal" => Shape::Normal { mean, sd: times(0.2) },
            "LogNormal" => Shape::LogNormal { mean, cv: 1.0 },
            "Erlang" => Shape::Erlang { mean, stages: 4 },
            "Hyperexponential" => {
                Shape::Hyperexponential { fast: times(0.5), slow: times(5.5), slow_share: Ratio(0.1) }
            }
            "Weibull" => Shape::Weibull { scale: times(0.5), shape: 0.5 },
            "Pareto" => Shape::Pareto { min: times(0.6), alpha: 2.5 },
            "Mixture" => Shape::Mixture(vec![(9.0, Dist::Constant(times(0.5))), (1.0, Dist::Constant(times(5.5)))]),
            "Clipped" => Shape::Clipped { of: Dist::exponential(mean), min: Span::ZERO, max: times(10.0) },
            _ => return None,
        })))
    }

    /// The constant it is, if it is one.
    pub fn as_constant(&self) -> Option<Span> {
        match self {
            Dist::Constant(span) => Some(*span),
            Dist::Shaped(_) => None,
        }
    }

    /// What makes the parameters meaningless, if anything.
    pub fn problem(&self) -> Option<String> {
        let Dist::Shaped(shape) = self else { return None };
        match &**shape {
            Shape::Exponential(_) | Shape::Normal { .. } | Shape::Hyperexponential { .. } => None,
            Shape::Uniform { min, max } => (min > max).then(|| format!("min {min} is above max {max}")),
            Shape::LogNormal { cv, .. } => positive("cv", *cv),
            Shape::Erlang { stages, .. } => {
                (!(1..=1000).contains(stages)).then(|| format!("stages is {stages}: expected 1 to 1000"))
            }
            Shape::Weibull { shape, .. } => positive("shape", *shape),
            Shape::Pareto { alpha, .. } => positive("alpha", *alpha),
            Shape::Mixture(parts) => {
                if parts.is_empty() || parts.len() > 64 {
                    return Some(format!("a mixture of {} parts: expected 1 to 64", parts.len()));
                }
                parts.iter().find_map(|(weight, dist)| positive("weight", *weight).or_else(|| dist.problem()))
            }
            Shape::Clipped { of, min, max } => {
                if min > max {
                    Some(format!("min {min} is above max {max}"))
                } else {
                    of.problem()
                }
            }
        }
    }

    /// Mean in nanoseconds, where it is known in closed form (infinite for a Pareto with alpha of 1 or less).
    pub fn mean(&self) -> Option<f64> {
        let Dist::Shaped(shape) = self else { return self.as_constant().map(|s| s.0 as f64) };
        Some(match &**shape {
            Shape::Exponential(mean) | Shape::LogNormal { mean, .. } | Shape::Erlang { mean, .. } => mean.0 as f64,
            Shape::Uniform { min, max } => (min.0 as f64 + max.0 as f64) / 2.0,
            // Where almost nothing is cut at zero.
            Shape::Normal { mean, sd } if mean.0 >= 4 * sd.0 => mean.0 as f64,
            Shape::Normal { .. } | Shape::Clipped { .. } => return None,
            Shape::Hyperexponential { fast, slow, slow_share } => {
                fast.0 as f64 * (1.0 - slow_share.0) + slow.0 as f64 * slow_share.0
            }
            Shape::Weibull { scale, shape } => scale.0 as f64 * maths::gamma(1.0 + 1.0 / shape),
            Shape::Pareto { min, alpha } if *alpha > 1.0 => min.0 as f64 * alpha / (alpha - 1.0),
            Shape::Pareto { .. } => f64::INFINITY,
            Shape::Mixture(parts) => {
                let total: f64 = parts.iter().map(|(w, _)| w).sum();
                let mut mean = 0.0;
                for (weight, dist) in parts {
                    mean += weight / total * dist.mean()?;
                }
                mean
            }
        })
    }

    /// Mean in nanoseconds: in closed form, or else of a sample that is always the same.
    pub fn mean_or_so(&self) -> f64 {
        const DRAWS: u32 = 4_096;
        self.mean().unwrap_or_else(|| {
            let (sampler, mut rng) = (self.sampler(), Rng::seeded(1));
            (0..DRAWS).map(|_| sampler.draw(&mut rng).0 as f64).sum::<f64>() / f64::from(DRAWS)
        })
    }

    /// Second moment in square nanoseconds, where it is known in closed form.
    pub fn second_moment(&self) -> Option<f64> {
        let square = |x: f64| x * x;
        let Dist::Shaped(shape) = self else { return self.as_constant().map(|s| square(s.0 as f64)) };
        Some(match &**shape {
            Shape::Exponential(mean) => 2.0 * square(mean.0 as f64),
            Shape::Uniform { min, max } => {
                let (a, b) = (min.0 as f64, max.0 as f64);
                (a * a + a * b + b * b) / 3.0
            }
            Shape::Normal { mean, sd } if mean.0 >= 4 * sd.0 => square(mean.0 as f64) + square(sd.0 as f64),
            Shape::Normal { .. } | Shape::Clipped { .. } => return None,
            Shape::LogNormal { mean, cv } => square(mean.0 as f64) * (1.0 + cv * cv),
            Shape::Erlang { mean, stages } => square(mean.0 as f64) * (1.0 + 1.0 / f64::from(*stages)),
            Shape::Hyperexponential { fast, slow, slow_share } => {
                2.0 * (square(fast.0 as f64) * (1.0 - slow_share.0) + square(slow.0 as f64) * slow_share.0)
            }
            Shape::Weibull { scale, shape } => square(scale.0 as f64) * maths::gamma(1.0 + 2.0 / shape),
            Shape::Pareto { min, alpha } if *alpha > 2.0 => square(min.0 as f64) * alpha / (alpha - 2.0),
            Shape::Pareto { .. } => f64::INFINITY,
            Shape::Mixture(parts) => {
                let total: f64 = parts.iter().map(|(w, _)| w).sum();
                let mut moment = 0.0;
                for (weight, dist) in parts {
                    moment += weight / total * dist.second_moment()?;
                }
                moment
            }
        })
    }

    pub fn sampler(&self) -> Sampler {
        let ns = |span: &Span| span.0 as f64;
        let Dist::Shaped(shape) = self else {
            return Sampler::Constant(self.as_constant().unwrap_or_default());
        };
        match &**shape {
            // No time is no time: a link with it costs no event.
            Shape::Exponential(mean) if mean.is_zero() => Sampler::Constant(Span::ZERO),
            Shape::Exponential(mean) => Sampler::Exponential(ns(mean)),
            Shape::Uniform { min, max } => Sampler::Uniform { min: ns(min), width: ns(max) - ns(min) },
            Shape::Normal { mean, sd } => Sampler::Normal { mean: ns(mean), sd: ns(sd) },
            Shape::LogNormal { mean, cv } => {
                let variance = maths::ln(1.0 + cv * cv);
                // ln of zero is minus infinity, and its exponential zero again.
                Sampler::LogNormal { mu: maths::ln(ns(mean)) - variance / 2.0, sigma: variance.sqrt() }
            }
            Shape::Erlang { mean, stages } => {
                Sampler::Erlang { stage_mean: ns(mean) / f64::from((*stages).max(1)), stages: *stages }
            }
            Shape::Hyperexponential { fast, slow, slow_share } => {
                Sampler::Hyperexponential { fast: ns(fast), slow: ns(slow), slow_share: slow_share.0 }
            }
            Shape::Weibull { scale, shape } => Sampler::Weibull { scale: ns(scale), inverse_shape: 1.0 / shape },
            Shape::Pareto { min, alpha } => Sampler::Pareto { min: ns(min), inverse_alpha: 1.0 / alpha },
            Shape::Mixture(parts) => {
                let total: f64 = parts.iter().map(|(w, _)| w).sum();
                let mut upto = 0.0;
                let parts = parts.iter().map(|(weight, dist)| {
                    upto += weight / total;
                    (upto, dist.sampler())
                });
                Sampler::Mixture(parts.collect())
            }
            Shape::Clipped { of, min, max } => Sampler::Clipped(Box::new((of.sampler(), *min, *max))),
        }
    }
}

fn positive(name: &str, value: f64) -> Option<String> {
    (!(value > 0.0 && value.is_finite())).then(|| format!("{name} is {value}: expected a number above 0"))
}

/// A distribution with its parameters worked out, in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampler {
    Constant(Span),
    Exponential(f64),
    Uniform {
        min: f64,
        width: f64,
    },
    Normal {
        mean: f64,
        sd: f64,
    },
    LogNormal {
        mu: f64,
        sigma: f64,
    },
    Erlang {
        stage_mean: f64,
        stages: u32,
    },
    Hyperexponential {
        fast: f64,
        slow: f64,
        slow_share: f64,
    },
    Weibull {
        scale: f64,
        inverse_shape: f64,
    },
    Pareto {
        min: f64,
        inverse_alpha: f64,
    },
    /// Cumulative share and part.
    Mixture(Box<[(f64, Sampler)]>),
    Clipped(Box<(Sampler, Span, Span)>),
}

impl Sampler {
    #[inline]
    pub fn draw(&self, rng: &mut Rng) -> Span {
        match self {
            Sampler::Constant(span) => *span,
            Sampler::Exponential(mean) => Span::from_nanos_f64(mean * rng.exp1()),
            _ => self.draw_shaped(rng),
        }
    }

    fn draw_shaped(&self, rng: &mut Rng) -> Span {
        Span::from_nanos_f64(match self {
            Sampler::Constant(span) => return *span,
            Sampler::Exponential(mean) => mean * rng.exp1(),
            Sampler::Uniform { min, width } => min + width * rng.uniform(),
            Sampler::Normal { mean, sd } => (mean + sd * rng.normal()).max(0.0),
            Sampler::LogNormal { mu, sigma } => maths::exp(mu + sigma * rng.normal()),
            Sampler::Erlang { stage_mean, stages } => (0..*stages).map(|_| rng.exp1()).sum::<f64>() * stage_mean,
            Sampler::Hyperexponential { fast, slow, slow_share } => {
                (if rng.uniform() < *slow_share { slow } else { fast }) * rng.exp1()
            }
            Sampler::Weibull { scale, inverse_shape } => scale * maths::pow(rng.exp1(), *inverse_shape),
            Sampler::Pareto { min, inverse_alpha } => min * maths::pow(rng.uniform_open(), -inverse_alpha),
            Sampler::Mixture(parts) => {
                let u = rng.uniform();
                let part = parts.iter().find(|(upto, _)| u < *upto).or(parts.last());
                return part.map_or(Span::ZERO, |(_, sampler)| sampler.draw(rng));
            }
            Sampler::Clipped(clipped) => {
                let (of, min, max) = &**clipped;
                return of.draw(rng).clamp(*min, *max);
            }
        })
    }

    /// The constant it is, if it is one: links without latency cost no event, equal timeouts expire in order.
    pub fn as_constant(&self) -> Option<Span> {
        match self {
            Sampler::Constant(span) => Some(*span),
            _ => None,
        }
    }
}

impl Default for Dist {
    fn default() -> Self {
        Dist::ZERO
    }
}

impl Serialize for Dist {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Dist::Constant(span) => span.serialize(s),
            Dist::Shaped(shape) => shape.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Dist {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(DistVisitor)
    }
}

struct DistVisitor;

impl<'de> Visitor<'de> for DistVisitor {
    type Value = Dist;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as \"2ms\" or a distribution such as Exponential(\"2ms\")")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Dist, E> {
        Span::parse(text).map(Dist::Constant).map_err(E::custom)
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Dist, E> {
        Span::from_number(number).map(Dist::Constant).map_err(E::custom)
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Dist, E> {
        self.visit_f64(number as f64)
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Dist, E> {
        self.visit_f64(number as f64)
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Dist, A::Error> {
        Shape::deserialize(EnumDeserializer(access)).map(|shape| Dist::Shaped(Box::new(shape)))
    }
}

/// Hands an enum that has been announced by `visit_enum` to a derived `Deserialize`.
struct EnumDeserializer<A>(A);

impl<'de, A: EnumAccess<'de>> Deserializer<'de> for EnumDeserializer<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self.0)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(shape: Shape) -> Dist {
        Dist::Shaped(Box::new(shape))
    }

    /// Every shape, drawn a million times, has the mean (and, where finite, the second moment) it claims.
    #[test]
    fn moments_are_what_the_formulas_say() {
        let ms = Span::from_millis;
        let shapes = [
            Dist::exponential(ms(10)),
            shaped(Shape::Uniform { min: ms(5), max: ms(20) }),
            shaped(Shape::Normal { mean: ms(10), sd: ms(2) }),
            shaped(Shape::LogNormal { mean: ms(10), cv: 1.0 }),
            shaped(Shape::Erlang { mean: ms(10), stages: 4 }),
            shaped(Shape::Hyperexponential { fast: ms(1), slow: ms(20), slow_share: Ratio(0.1) }),
            shaped(Shape::Weibull { scale: ms(10), shape: 0.8 }),
            shaped(Shape::Pareto { min: ms(1), alpha: 6.0 }),
            shaped(Shape::Mixture(vec![(3.0, Dist::constant(ms(1))), (1.0, Dist::exponential(ms(9)))])),
        ];
        for dist in shapes {
            let (sampler, mut rng) = (dist.sampler(), Rng::seeded(11));
            let n = 1_000_000;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..n {
                let x = sampler.draw(&mut rng).0 as f64;
                sum += x;
                squares += x * x;
            }
            let (mean, moment) = (dist.mean().unwrap(), dist.second_moment().unwrap());
            let se = ((moment - mean * mean) / f64::from(n)).sqrt();
            assert!(
                (sum / f64::from(n) - mean).abs() < 4.0 * se + 1.0,
                "{dist:?}: mean {} not {mean}",
                sum / f64::from(n)
            );
            assert!((squares / f64::from(n) / moment - 1.0).abs() < 0.03, "{dist:?}: second moment");
        }
    }

    #[test]
    fn every_shape_can_be_had_with_a_mean() {
        let mean = Span::from_millis(10);
        let names = crate::base::ron::slot::<Dist>(&[]).names;
        assert_eq!(names.len(), 10);
        for name in names {
            let dist = Dist::with_mean(name, mean).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(dist.problem(), None, "{name}");
            // Of what is clipped, no formula is known.
            let found = dist.mean().unwrap_or(1e7);
            assert!((found / 1e7 - 1.0).abs() < 1e-6, "{name}: {found}");
        }
        assert_eq!(Dist::with_mean("Cauchy", mean), None);
    }

    #[test]
    fn meaningless_parameters_are_named() {
        let ms = Span::from_millis;
        assert!(shaped(Shape::Uniform { min: ms(2), max: ms(1) }).problem().unwrap().contains("above"));
        assert!(shaped(Shape::Weibull { scale: ms(2), shape: f64::NAN }).problem().unwrap().contains("shape"));
        assert!(shaped(Shape::Mixture(vec![])).problem().unwrap().contains("parts"));
    }
}
