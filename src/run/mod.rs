//! From a design to a run and its report: compile, schedule the timeline, run, judge.

mod compile;
mod frame;
mod judge;
mod runner;
mod series;
mod timeline;

use crate::base::{Finding, NodeId, Time};
use crate::design::{Design, WarmUp, checks};
use crate::engine::Sim;
use crate::kinds::State;
use crate::metrics::{Recorder, Report, WarmUpRule};

pub use compile::link_config;
pub use frame::{Basis, frame};
pub use judge::{Verdict, figure, judge, text};
pub use runner::{Runner, Snapshot, Speed};
pub use series::{Sample, series};

/// A design that is being simulated and recorded.
pub struct Run {
    sim: Sim<State>,
    recorder: Recorder,
    length: Time,
    title: String,
    kinds: Vec<&'static str>,
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
        let mut sim = Sim::new(plan, states);
        timeline::schedule(design, &mut sim);
        let transient = is_transient(design);
        let rule = warm_up_rule(design, transient);
        let recorder = Recorder::new(sim.plan(), design.run.length, rule, !transient);
        let kinds = design.nodes.values().map(|node| node.kind.meta().key).collect();
        Ok(Run { sim, recorder, length: Time(design.run.length.0), title: design.title.clone(), kinds })
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
        self.sim.now() >= self.length
    }

    pub fn sim(&self) -> &Sim<State> {
        &self.sim
    }

    /// Simulate until `until`, but not beyond the end of the run. How a run is sliced does not change it.
    pub fn advance(&mut self, until: Time) {
        let until = until.min(self.length);
        while self.sim.now() < until {
            let stop = self.recorder.next_boundary().min(until);
            self.sim.run_until(stop);
            if stop == self.recorder.next_boundary() {
                self.recorder.close_window(&mut self.sim);
            }
        }
    }

    /// What was recorded so far.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The figures of what was recorded so far.
    pub fn report(&mut self) -> Report {
        let nodes = (0..self.kinds.len() as u32).map(NodeId);
        let levels = nodes.map(|id| self.sim.behaviour(id).glance()).collect();
        self.recorder.report(&mut self.sim, &self.title, &self.kinds, levels)
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

fn warm_up_rule(design: &Design, transient: bool) -> WarmUpRule {
    match design.run.warm_up {
        WarmUp::For(span) => WarmUpRule::Given(span),
        WarmUp::Auto if transient => WarmUpRule::None,
        WarmUp::Auto => WarmUpRule::Auto,
    }
}

/// Run a design from beginning to end.
///
/// # Errors
/// All findings, if one of them is an error.
pub fn run(design: &Design) -> Result<Report, Vec<Finding>> {
    Run::new(design).map(Run::finish)
}
