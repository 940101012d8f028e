//! The whole report as JSON. Times are in seconds, rates per second, shares from 0 to 1; counts and rates are of the time
//! after the warm-up. What does not apply is `null`, or left out where it is an entry of a table.
//!
//! | field | what it is |
//! |---|---|
//! | `format` | number of this shape: it may grow; a field changes its meaning only with this number |
//! | `title`, `seed` | of the design |
//! | `length`, `warm_up` | seconds simulated, and how many of them are left out of the figures |
//! | `interrupted` | `true` where the run was stopped at `length`, before its end; left out otherwise |
//! | `events` | events simulated, those of the warm-up included |
//! | `total` | a *class*: all requests together |
//! | `classes` | name → a *class* |
//! | `nodes` | name → a *node* |
//! | `links` | name (`from->to` unless it has its own) → a *link* |
//! | `warnings` | list of `code`, `about` (the class, node or `run`) and `message` |
//! | `expectations` | list of *verdicts* |
//! | `not_judged` | expectations, as text, whose window a run shortened by `--for` does not reach |
//!
//! An **estimate** is `value` and `half_width`: half of its 95 % confidence interval, in the unit of the value; `null`
//! where there are too few observations to tell, no steady state was found, or the variance is infinite.
//!
//! A **distribution** is `count` (observations), the estimates `mean`, `p50`, `p90`, `p95`, `p99`, `p99.9`, then `max` and
//! `sd` (standard deviation, to 0.5 % of the mean): all in seconds; and `cv` (`sd` over `mean`). A percentile without a
//! half-width may come from too few observations: ten are needed beyond it.
//!
//! A **class**, requests from when they were meant to be sent until their answer:
//!
//! | field | what it is |
//! |---|---|
//! | `offered` | requests issued |
//! | `good`, `late` | answered within the deadline, and after it |
//! | `failed` | reason → requests |
//! | `degraded`, `stale` | of those answered: by a fallback, with an old version |
//! | `offered_rate`, `goodput` | `offered` and `good` per second |
//! | `latency` | distribution over those answered, late ones included |
//! | `in_flight` | at the end of the run |
//!
//! A **node**:
//!
//! | field | what it is |
//! |---|---|
//! | `kind` | as `tailboard kinds` lists them |
//! | `arrived`, `succeeded`, `failed`, `in_flight` | calls; `failed` by reason, `in_flight` at the end |
//! | `arrival_rate` | calls per second |
//! | `latency` | distribution, from arrival to answer, of succeeded calls |
//! | `wait` | distribution of the time waiting for a slot or a core |
//! | `mean_wait`, `mean_service`, `mean_others` | seconds a succeeded call waited (estimate), was worked on, waited for calls of its own |
//! | `waited_share` | share of succeeded calls that waited |
//! | `queue`, `queue_max` | calls waiting: mean over time (estimate), and the most there were |
//! | `busy`, `slots` | slots in use and slots there are: means over time |
//! | `utilization` | share of slots in use (estimate) |
//! | `core_utilization` | share of cores in use |
//! | `hottest` | the busiest replica or shard: `copy` (its number), `share` (of the calls), `utilization` (of its slots or cores, whichever is more); `null` where there is one |
//! | `signals` | what the kind counts besides calls (`hits`, `evicted` …) → how often |
//! | `hit_ratio`, `stale_share` | share of look-ups that found their key, of checked reads that were old (estimates) |
//! | `lag` | distribution of how far replicas or messages are behind |
//! | `levels` | what the kind shows of itself at the end of the run |
//! | any other name | a measure of the kind that has no place above |
//!
//! A **link**, attempts as the caller sees them: `attempts`, `succeeded`, `failed` (by reason), `in_flight`,
//! `attempt_rate` (per second), `retries`, `hedges`, `fallbacks` (counts), `latency` (distribution over succeeded attempts).
//!
//! A **verdict**: `expectation` and `why` as text, `value` (the figure, in its unit), `at_least` and `at_most` (the bounds,
//! multiplied out where they are multiples of another figure), `holds`, `outcome` (`holds`, `fails` or `cannot_be_told`) and
//! `reason` (why it cannot be told).

use crate::base::plain;
use crate::metrics::Report;
use crate::run::Verdict;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    expectations: &'a [Verdict],
    not_judged: &'a [String],
}

/// # Errors
/// If a figure cannot be written, which none can that is a number.
pub fn json(report: &Report, expectations: &[Verdict], not_judged: &[String]) -> Result<String, String> {
    let document = Document { report, expectations, not_judged };
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    Ok(plain::json(&text).into_owned() + "\n")
}
