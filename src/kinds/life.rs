//! The life of a process: a replica of a node, or a node that is a single one. It is started, killed and restarted, frozen
//! and thawed; it pauses and breaks down by itself. Each of these comes and goes alone, and one does not end another:
//!
//! - While it is dead it takes nothing, and nothing comes of what it had.
//! - While it stands still it finishes nothing, and goes on where it was.
//! - A restart ends a kill, and neither a freeze nor a breakdown.

use crate::engine::{Fault, Stage};

/// How far a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Running,
    /// Killed; comes back when it is restarted.
    Down,
    /// Takes no new calls, and goes when it is empty.
    Draining,
    Gone,
}

/// What holds a process, one bit each.
pub const BY_HAND: u8 = 1;
pub const PAUSED: u8 = 2;
/// Broken down, keeping the calls, or losing them.
pub const BROKEN: u8 = 4;
pub const LOST: u8 = 8;
/// What stops its clock.
const FROZEN: u8 = BY_HAND | PAUSED | BROKEN;

#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub phase: Phase,
    held: u8,
}

impl Life {
    pub fn new(phase: Phase) -> Life {
        Life { phase, held: 0 }
    }

    /// Something begins to hold it, or ends.
    pub fn hold(&mut self, why: u8, on: bool) {
        self.held = if on { self.held | why } else { self.held & !why };
    }

    pub fn is_held(&self, why: u8) -> bool {
        self.held & why != 0
    }

    /// One that is to go anyway goes without coming back.
    pub fn kill(&mut self) {
        if !matches!(self.phase, Phase::Draining | Phase::Gone) {
            self.phase = Phase::Down;
        }
    }

    /// A process that starts in no time is killed, runs again, is frozen or thawed by hand. Other faults are none of its life.
    pub fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Kill => self.kill(),
            Fault::Restart if self.phase == Phase::Down => self.phase = Phase::Running,
            Fault::Freeze => self.hold(BY_HAND, true),
            Fault::Thaw => self.hold(BY_HAND, false),
            _ => {}
        }
    }

    pub fn is_dead(&self) -> bool {
        self.phase == Phase::Down || self.held & LOST != 0
    }

    /// Whether its clock stands still.
    pub fn is_frozen(&self) -> bool {
        self.held & FROZEN != 0
    }

    /// Whether it does anything.
    pub fn works(&self) -> bool {
        !self.is_dead() && !self.is_frozen()
    }

    /// Whether it takes calls, for all that whoever has ordered it knows.
    pub fn is_meant(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Down)
    }

    /// Whether it takes calls.
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Running && self.held & LOST == 0
    }

    /// For displays; none for one that is not there.
    pub fn stage(&self) -> Option<Stage> {
        Some(match self.phase {
            Phase::Gone => return None,
            Phase::Down => Stage::Killed,
            _ if self.held & (BROKEN | LOST) != 0 => Stage::Broken,
            _ if self.is_frozen() => Stage::Paused,
            Phase::Starting => Stage::Starting,
            Phase::Draining => Stage::Draining,
            Phase::Running => Stage::Running,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any order of any faults: it works when none of them is on.
    #[test]
    fn each_fault_is_ended_by_its_own_end_only() {
        let pairs = [(Fault::Kill, Fault::Restart), (Fault::Freeze, Fault::Thaw)];
        for (first, first_end) in pairs {
            for (second, second_end) in pairs {
                let mut life = Life::new(Phase::Running);
                life.strike(first);
                life.strike(second);
                assert!(!life.works());
                life.strike(first_end);
                assert_eq!(life.works(), first == second, "{first:?} {second:?}");
                life.strike(second_end);
                assert!(life.works());
            }
        }
    }
}
