//! What is broken and mended by hand: it goes to the run, comes back with its time, and then stands on the timeline.

use super::app::App;
use crate::base::Span;
use crate::design::{Action, Intervention};
use crate::editor::actions;

impl App {
    /// Why the run rests although it is played: the design as it is drawn now cannot run.
    pub fn stuck(&self) -> Option<&str> {
        let problem = self.snapshot.as_ref()?.problem.as_deref()?;
        (!crate::design::checks::is_runnable(&self.findings.all)).then_some(problem)
    }

    /// Do something to what runs now.
    pub fn strike(&mut self, action: Action) {
        self.intervene(action, None, None);
    }

    /// The same for a while, and growing to its number over a while.
    ///
    /// Where the run is over nothing can be done to it any more: it begins again, with this done at its beginning.
    pub fn intervene(&mut self, action: Action, lasting: Option<Span>, ramp: Option<Span>) {
        let Some(runner) = &self.runner else { return };
        let is_over = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.over);
        if !is_over {
            return runner.intervene(action, lasting, ramp);
        }
        // It rests until all is said: or some of it is simulated before this is done to it.
        runner.pause();
        runner.restart(None);
        // At the beginning nothing is broken yet.
        let mends = matches!(action, Action::Restart(_) | Action::Heal(_));
        let words = crate::figure::sentence(&action);
        if !mends {
            runner.intervene(action, lasting, ramp);
        }
        runner.play();
        let how = if mends { "whole again".to_owned() } else { format!("with this at its beginning: {words}") };
        self.say(format!("The run was over. It starts again, {how}."), self.now);
    }

    pub fn toggle_kill(&mut self, names: &[String]) {
        for name in names {
            let action = if self.is_dead(name) { Action::Restart(name.clone()) } else { Action::Kill(name.clone()) };
            self.strike(action);
        }
    }

    /// Whether the last that was done to this node, replica or link was to kill it.
    pub fn is_dead(&self, name: &str) -> bool {
        let Some(snapshot) = &self.snapshot else { return false };
        // What was done a moment ago stands at the next nanoseconds.
        let now = snapshot.now.0;
        let is_on = |i: &&Intervention| i.at.0 <= now + 1_000 && i.lasting.is_none_or(|l| i.at.0 + l.0 > now);
        let done = snapshot.design.timeline.iter().filter(is_on);
        let mut done: Vec<_> = done.filter(|intervention| intervention.action.targets().contains(&name)).collect();
        done.sort_by_key(|intervention| intervention.at);
        let last =
            done.iter().rev().find(|i| matches!(i.action, Action::Kill(_) | Action::Restart(_) | Action::Heal(_)));
        last.is_some_and(|intervention| matches!(intervention.action, Action::Kill(_)))
    }

    /// The replicas of a node by their names (`db#1`), where it has several: by the design, or as many as run now.
    pub fn replicas(&self, node: &str) -> Vec<String> {
        let frame = self.snapshot.as_ref().map(|snapshot| snapshot.frame.clone());
        let shown = frame.as_ref().and_then(|frame| frame.nodes.iter().find(|shown| shown.name == node));
        let there = shown.map_or(0, |shown| shown.copies.len());
        let count = usize::from(actions::replicas(&self.editor, node)).max(there);
        let all = (0..count).map(|i| format!("{node}#{i}"));
        // Not every kind with a number of replicas can lose one of them.
        all.filter(|replica| count > 1 && !actions::faults(&self.editor, replica).is_empty()).collect()
    }
}
