//! From a design to a run and its report: compile, schedule the timeline, run, judge.

mod change;
mod compile;
mod frame;
mod judge;
mod runner;
mod series;
mod tails;
mod timeline;

use crate::base::{Finding, NodeId, Time};
use crate::design::{Design, Intervention, WarmUp, checks};
use crate::engine::{Behaviour as _, Journey, MOST_SHOWN, NodeKind, Patch, Sim, next_every};
use crate::kinds::{Spec, State};
use crate::metrics::{Recorder, Report, WarmUpRule};
use std::collections::VecDeque;

pub use change::{Change, change};
pub use compile::link_config;
pub use frame::{Basis, frame};
pub use judge::{Outcome, Verdict, figure, judge, text};
pub use runner::{NO_THREAD, Runner, Snapshot, Speed};
pub use series::{Sample, series};

/// What is watched of a run before an instant that is shown, in nanoseconds.
const WATCHED: u64 = 2_000_000_000;

/// A design that is being simulated and recorded.
pub struct Run {
    sim: Sim<State>,
    recorder: Recorder,
    length: Time,
    title: String,
    timeline: Vec<Intervention>,
    /// What the timeline does, by time. The simulation is given each when everything before it has happened: so it does
    /// not matter when it was put there, and one that is still to come can be taken back.
    patches: Vec<(Time, Patch<Spec>)>,
    given: usize,
}

impl Run {
    /// Compile a design and get it ready.
    ///
    /// # Errors
    /// All findings, if one of them is an error.
    pub fn new(design: &Design) -> Result<Run, Vec<Finding>> {
        let findings = checks::check(design);
        if !checks::is_runnable(&findings) {
            return Err(findings);
        }
        let (plan, states) = compile::compile(design);
        let patches = timeline::patches(design, &plan);
        let sim = Sim::new(plan, states);
        let (rule, steady) = warm_up(design);
        let kinds: Vec<NodeKind> = design.nodes.values().map(|node| node.kind.meta().of_node()).collect();
        let mut run = Run {
            recorder: Recorder::new(sim.plan(), &kinds, design.run.length, rule, steady)
                .with_heavy_tails(tails::heavy_tails(design, sim.plan())),
            sim,
            length: Time(design.run.length.0),
            title: design.title.clone(),
            timeline: by_time(&design.timeline),
            patches,
            given: 0,
        };
        run.give(Time::ZERO);
        Ok(run)
    }

    /// Let the windows of the recording begin small, for whoever looks at the run while it goes on; before anything has
    /// happened. At the end of the run they are as they would have been.
    #[must_use]
    pub fn with_small_windows(mut self) -> Run {
        self.recorder.begin_small();
        self
    }

    pub fn now(&self) -> Time {
        self.sim.now()
    }

    pub fn length(&self) -> Time {
        self.length
    }

    /// Events simulated so far.
    pub fn events(&self) -> u64 {
        self.sim.events()
    }

    /// Requests issued so far.
    pub fn requests(&self) -> u64 {
        self.sim.requests()
    }

    pub fn is_over(&self) -> bool {
        self.next_stop(self.length).is_none()
    }

    /// When the next thing happens, if anything is still to happen.
    pub fn next_event(&mut self) -> Option<Time> {
        let patch = self.patches.get(self.given).map(|(at, _)| *at);
        self.sim.next_event().into_iter().chain(patch).min()
    }

    pub fn sim(&self) -> &Sim<State> {
        &self.sim
    }

    /// Keep the journeys of one of so many requests from now on, for displays; 0 is none.
    pub fn trace(&mut self, every: u64) {
        self.sim.trace(every);
    }

    /// Simulate until then, by `advance`, and keep the journeys that are under way at that instant: as many as can be
    /// shown, of those that began not long before.
    pub fn approach(&mut self, at: Time, advance: impl Fn(&mut Run, Time)) {
        self.sim.trace(0);
        advance(self, Time(at.0.saturating_sub(WATCHED)));
        let fits = |every: &u64| self.sim.in_flight() as u64 / every <= MOST_SHOWN;
        let every = std::iter::successors(Some(1), |every| Some(next_every(*every))).find(fits).unwrap_or(1);
        self.sim.trace(every);
        advance(self, at);
    }

    /// The journeys that have ended since this was asked last.
    pub fn take_journeys(&mut self) -> VecDeque<Journey> {
        self.sim.take_journeys()
    }

    /// Simulate until `until`, but not beyond the end of the run. How a run is sliced does not change it.
    pub fn advance(&mut self, until: Time) {
        let until = until.min(self.length);
        while let Some(stop) = self.next_stop(until) {
            self.sim.run_until(stop);
            self.stopped(stop);
        }
    }

    /// The same, but no more than so many events; returns whether it got there.
    pub fn advance_events(&mut self, until: Time, most: u64) -> bool {
        let until = until.min(self.length);
        let mut left = most;
        while let Some(stop) = self.next_stop(until) {
            while left > 0 && self.sim.step(stop) {
                left -= 1;
            }
            if left == 0 {
                return false;
            }
            self.sim.run_until(stop);
            self.stopped(stop);
        }
        true
    }

    /// How far to simulate without a look at anything else, if `until` is not reached yet.
    fn next_stop(&self, until: Time) -> Option<Time> {
        let boundary = self.recorder.next_boundary();
        // Stepping through the events of an instant may have left some.
        if self.sim.now() >= until && boundary > until {
            return None;
        }
        let patch = self.patches.get(self.given).map_or(Time::NEVER, |(at, _)| Time(at.0 - 1));
        Some(boundary.min(patch).min(until))
    }

    /// Everything up to this instant has happened.
    fn stopped(&mut self, at: Time) {
        if at == self.recorder.next_boundary() {
            self.recorder.close_window(&mut self.sim);
        }
        self.give(Time(at.0 + 1));
        if at == self.length {
            // In every build: figures of a run that loses calls are worth nothing.
            assert_eq!(self.sim.imbalance(), None, "every call is accounted for");
        }
    }

    /// End the run at its present instant: what was simulated is the whole of it.
    pub fn stop(&mut self) {
        if !self.is_over() {
            self.recorder.stop(&mut self.sim);
            self.length = self.sim.now();
        }
    }

    /// Hand the patches up to this instant to the simulation.
    fn give(&mut self, until: Time) {
        while let Some((at, patch)) = self.patches.get(self.given).filter(|(at, _)| *at <= until) {
            self.sim.schedule(*at, patch.clone());
            self.given += 1;
        }
    }

    /// The first instant at which something can still be done to the run.
    pub fn next_instant(&self) -> Time {
        let given = self.given.checked_sub(1).map_or(Time::ZERO, |last| self.patches[last].0);
        Time(self.now().max(given).0 + 1)
    }

    /// Put the timeline of this design, which differs in nothing else but its title, in place of the present one.
    /// Returns whether that could be done: not, if it would change what has happened.
    pub fn reschedule(&mut self, design: &Design) -> bool {
        let timeline = by_time(&design.timeline);
        let next = self.next_instant();
        let happened = |timeline: &[Intervention]| timeline.partition_point(|done| Time(done.at.0) < next);
        if self.timeline[..happened(&self.timeline)] != timeline[..happened(&timeline)] {
            return false;
        }
        self.patches = timeline::patches(design, self.sim.plan());
        self.timeline = timeline;
        self.title.clone_from(&design.title);
        let (rule, steady) = warm_up(design);
        self.recorder.expect(rule, steady);
        self.recorder.set_heavy_tails(tails::heavy_tails(design, self.sim.plan()));
        true
    }

    /// What was recorded so far.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The figures of what was recorded so far.
    pub fn report(&self) -> Report {
        self.reporter()(&self.recorder)
    }

    /// What makes a report of a copy of the recording, elsewhere and later.
    pub fn reporter(&self) -> impl FnOnce(&Recorder) -> Report + Send + use<> {
        let nodes = (0..self.recorder.kinds().len() as u32).map(NodeId);
        let gauges: Vec<Vec<f64>> = nodes.map(|id| self.sim.behaviour(id).gauges()).collect();
        let title = self.title.clone();
        move |recorder| recorder.report(&title, &gauges)
    }

    /// To the end, and its report.
    pub fn finish(mut self) -> Report {
        self.advance(self.length);
        self.report()
    }
}

/// Whether a design changes over time by itself: it has no steady state to wait for.
fn is_transient(design: &Design) -> bool {
    !design.timeline.is_empty() || design.nodes.values().any(|node| node.kind.is_transient())
}

/// How the warm-up is found, and whether there is a steady state after it.
fn warm_up(design: &Design) -> (WarmUpRule, bool) {
    let transient = is_transient(design);
    let rule = match design.run.warm_up {
        WarmUp::For(span) => WarmUpRule::Given(span),
        WarmUp::Auto if transient => WarmUpRule::None,
        WarmUp::Auto => WarmUpRule::Auto,
    };
    (rule, !transient)
}

/// Interventions in the order in which they happen.
fn by_time(timeline: &[Intervention]) -> Vec<Intervention> {
    let mut timeline = timeline.to_vec();
    timeline.sort_by_key(|intervention| intervention.at);
    timeline
}

/// Run a design from beginning to end.
///
/// # Errors
/// All findings, if one of them is an error.
pub fn run(design: &Design) -> Result<Report, Vec<Finding>> {
    Run::new(design).map(Run::finish)
}
