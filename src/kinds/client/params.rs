//! The parameters of a client: what they are, what is said of each, and what of them does not go together.

use crate::base::units::Count;
use crate::base::{Bytes, Dist, Rate, Ratio, Span};
use crate::kinds::kind::Checker;
use crate::kinds::params::{Param, Section, Visitor};
use crate::parts::popularity::Keys;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub rate: Rate,
    pub arrivals: Arrivals,
    pub shape: Shape,
    pub classes: BTreeMap<String, Class>,
    pub keys: Keys,
    pub tenants: Count,
    pub tenant_skew: f64,
    pub deadline: Option<Span>,
}

/// The arrival process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Arrivals {
    /// Independent of each other, as from very many people.
    Poisson,
    /// Evenly spaced, as from a load generator.
    Constant,
    /// Poisson whose rate jumps between calm and burst (a Markov-modulated Poisson process of two states); the mean
    /// rate stays `rate`.
    Bursty {
        /// Rate in a burst over rate when calm.
        ratio: f64,
        calm: Span,
        burst: Span,
    },
    /// So many at once, the batches Poisson.
    Batches { size: u32 },
    /// A closed loop: so many users, each waiting for the answer, then thinking. `rate` is not used.
    Closed { users: Count, think: Dist },
}

impl Arrivals {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Poisson", "Poisson process: independent arrivals, as from very many users."),
        ("Constant", "Evenly spaced arrivals, as from a load generator."),
        ("Bursty", "Bursty: Poisson process whose rate alternates between calm and burst; the mean stays `rate`."),
        ("Batches", "Batch arrivals of the given size."),
        ("Closed", "Closed loop: each user waits for the answer, thinks, and asks again; `rate` is not used."),
        ("ratio", "Rate in a burst as a multiple of the rate in a calm."),
        ("calm", "Mean length of a calm period."),
        ("burst", "Mean length of a burst."),
        ("size", "Requests of a batch."),
        ("users", "Number of users."),
        (
            "think",
            "Think time between an answer and the next request. Changed while running, what is left of it is scaled by the \
             ratio of the means.",
        ),
    ];

    /// The think time of a closed loop.
    pub fn think(&self) -> Option<&Dist> {
        if let Arrivals::Closed { think, .. } = self { Some(think) } else { None }
    }
}

/// How the rate changes over time; open loops only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Shape {
    Steady,
    /// From `rate` to `rate * to`, between `start` and `start + over`.
    Ramp {
        start: Span,
        over: Span,
        to: f64,
    },
    /// `rate * to` from `at` on.
    Step {
        at: Span,
        to: f64,
    },
    /// `rate * to` from `at`, for `lasting`.
    Spike {
        at: Span,
        lasting: Span,
        to: f64,
    },
    /// A sine around `rate`: amplitude 1 goes down to nothing.
    Diurnal {
        period: Span,
        amplitude: Ratio,
    },
}

impl Shape {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Steady", "Constant at `rate`."),
        ("Ramp", "Grows from `rate` to a multiple of it."),
        ("Step", "Jumps to a multiple of `rate`."),
        ("Spike", "Jumps to a multiple of `rate` and back."),
        ("Diurnal", "Sine around `rate`, as of day and night."),
        ("start", "Time of the run at which the change begins."),
        ("over", "Duration of the change."),
        ("to", "Factor on `rate` that is reached."),
        ("at", "Time of the run at which it changes."),
        ("lasting", "Duration of the spike."),
        ("period", "Period of the sine, such as a day."),
        ("amplitude", "Share of `rate` by which it rises and falls; 1 falls to 0."),
    ];
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Class {
    /// Share of the requests, relative to the other classes.
    pub weight: f64,
    /// 0 is the most urgent.
    pub priority: u8,
    /// Whether it writes its key; otherwise it reads it.
    pub write: bool,
    pub request: Bytes,
    pub response: Bytes,
    /// Standard deviation over mean of both sizes (lognormal); 0 is constant.
    pub size_cv: f64,
    /// An answer after this is late; the client's own deadline unless given.
    pub deadline: Option<Span>,
}

impl Class {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("weight", "Share of the requests, relative to the other classes."),
        ("priority", "0 is the most urgent."),
        ("write", "true: requests write their key; false: they read it."),
        ("request", "Size of a request."),
        ("response", "Size of a response."),
        ("size_cv", "Standard deviation over mean of both sizes (lognormal); 0 is constant."),
        ("deadline", "An answer after this is late; the client's own deadline unless given."),
    ];
}

impl Default for Class {
    fn default() -> Self {
        Class {
            weight: 1.0,
            priority: 0,
            write: false,
            request: Bytes(1_000),
            response: Bytes(10_000),
            size_cv: 0.0,
            deadline: None,
        }
    }
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            rate: Rate(100.0),
            arrivals: Arrivals::Poisson,
            shape: Shape::Steady,
            classes: BTreeMap::from([("request".to_owned(), Class::default())]),
            keys: Keys::default(),
            tenants: Count(1),
            tenant_skew: 0.0,
            deadline: None,
        }
    }
}

impl Spec {
    /// Why its traffic cannot be multiplied by a factor.
    pub fn problem_of_spike(&self, factor: f64) -> Option<String> {
        let Arrivals::Closed { users, .. } = &self.arrivals else { return None };
        let too_many = users.0 as f64 * factor > MOST_USERS as f64;
        too_many.then(|| format!("{users} users times {factor} are more than the 10 million of a closed loop"))
    }
}

/// Users of a closed loop, spikes included: each is an event that waits, of some dozens of bytes.
pub const MOST_USERS: u64 = 10_000_000;

/// Every parameter once.
pub fn visit(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new("rate", "Mean request rate of an open loop.", &["\"250/s\"", "\"3k/s\""])
            .leads(Section::Load)
            .range(0.0, 1e9)
            .live(),
        &mut spec.rate,
    );
    v.visit(
        &Param::new(
            "arrivals",
            "Arrival process: open (at `rate`, whatever the answers do) or Closed (a number of users).",
            &[
                "Constant",
                "Bursty(ratio: 8, calm: \"9s\", burst: \"1s\")",
                "Batches(size: 20)",
                "Closed(users: 50, think: Exponential(\"1s\"))",
            ],
        )
        .leads(Section::Load)
        .parts(Arrivals::PARTS)
        .live(),
        &mut spec.arrivals,
    );
    v.visit(
        &Param::new(
            "shape",
            "Change of the request rate over time.",
            &[
                "Ramp(start: \"1s\", over: \"5s\", to: 3)",
                "Step(at: \"2s\", to: 2)",
                "Spike(at: \"2s\", lasting: \"1s\", to: 5)",
                "Diurnal(period: \"10s\", amplitude: 0.8)",
            ],
        )
        .leads(Section::Load)
        .parts(Shape::PARTS)
        .live(),
        &mut spec.shape,
    );
    v.visit(
        &Param::new(
            "classes",
            "Request classes (operations), with their weight in the mix, priority, sizes and deadline.",
            &["{\"read\": (weight: 9), \"write\": (weight: 1, request: \"2 kB\")}"],
        )
        .leads(Section::Load)
        .parts(Class::PARTS),
        &mut spec.classes,
    );
    v.visit(
        &Param::new(
            "keys",
            "Popularity of keys: which key a request asks for.",
            &["Zipf(keys: \"10k\", exponent: 1.0)", "Uniform(keys: 50)", "HotSet(keys: 1000, hot: 0.1, traffic: 0.9)"],
        )
        .within(Section::Load)
        .parts(Keys::PARTS)
        .live(),
        &mut spec.keys,
    );
    v.visit(
        &Param::new("tenants", "Number of tenants (customers) that the requests come from.", &["20"])
            .within(Section::Load)
            .range(1.0, 1e6)
            .live(),
        &mut spec.tenants,
    );
    v.visit(
        &Param::new("tenant_skew", "Zipf exponent of the tenants' shares; 0 makes them equal.", &["1.2"])
            .within(Section::Load)
            .range(0.0, 5.0)
            .live(),
        &mut spec.tenant_skew,
    );
    v.visit(
        &Param::new(
            "deadline",
            "Deadline of a request from when it was meant to be sent. A later answer is late, not a success.",
            &["\"20ms\""],
        )
        .leads(Section::Reliability)
        .live(),
        &mut spec.deadline,
    );
}

pub fn check(spec: &Spec, checker: &mut Checker) {
    if spec.classes.is_empty() {
        checker.error("classes", "a client needs at least one class of requests");
    }
    if spec.classes.values().any(|class| !(class.weight >= 0.0 && class.weight.is_finite())) {
        checker.error("classes", "a weight is a number from 0 up");
    } else if !spec.classes.is_empty() && spec.classes.values().all(|class| class.weight <= 0.0) {
        checker.error("classes", "all weights are zero");
    }
    if spec.classes.values().any(|class| !(0.0..=10.0).contains(&class.size_cv)) {
        checker.error("classes", "size_cv is a number from 0 to 10");
    }
    check_arrivals(&spec.arrivals, checker);
    check_shape(&spec.shape, checker);
    let most = spec.rate.0 * spec.shape.peak();
    if most > 1e9 && !matches!(spec.arrivals, Arrivals::Closed { .. }) {
        checker.error("shape", format!("the rate reaches {most:.0}/s: at most 1,000,000,000/s can be told apart"));
    }
    if let Some(problem) = spec.keys.problem() {
        checker.error("keys", problem);
    }
}

fn check_arrivals(arrivals: &Arrivals, checker: &mut Checker) {
    match arrivals {
        Arrivals::Poisson | Arrivals::Constant => {}
        Arrivals::Bursty { ratio, calm, burst } => {
            if !(*ratio >= 1.0 && ratio.is_finite()) {
                checker.error("arrivals", "ratio is a number from 1 up");
            }
            if calm.is_zero() || burst.is_zero() {
                checker.error("arrivals", "calm and burst must last longer than 0");
            } else {
                checker.recurs("arrivals", "calm and burst together", (calm.0 as f64 + burst.0 as f64) / 2.0, 1);
            }
        }
        Arrivals::Batches { size } => {
            if !(1..=100_000).contains(size) {
                checker.error("arrivals", "a batch has from 1 to 100000 requests");
            }
        }
        Arrivals::Closed { users, think } => {
            checker.dist("arrivals", think);
            if !(1..=MOST_USERS).contains(&users.0) {
                checker.error("arrivals", "a closed loop has from 1 to 10 million users");
            }
        }
    }
}

fn check_shape(shape: &Shape, checker: &mut Checker) {
    let factor = match shape {
        Shape::Steady => 1.0,
        Shape::Ramp { to, .. } | Shape::Step { to, .. } | Shape::Spike { to, .. } => *to,
        Shape::Diurnal { period, .. } => {
            if period.is_zero() {
                checker.error("shape", "the period must be longer than 0");
            }
            1.0
        }
    };
    if !(0.0..=1e6).contains(&factor) {
        checker.error("shape", "`to` is a number from 0 to a million");
    }
}
