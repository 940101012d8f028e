//! The thread of a run.

use super::{Command, Snapshot};
use crate::base::Time;
use crate::run::{Basis, Run, frame};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

/// Work until nobody holds the other end of the channel.
pub(super) fn work(
    mut run: Run,
    mut shown: Snapshot,
    orders: &Receiver<Command>,
    latest: &Mutex<Arc<Snapshot>>,
    wake: &dyn Fn(),
) {
    while let Ok(command) = orders.recv() {
        match command {
            Command::Play => shown.playing = true,
            Command::Pause => shown.playing = false,
            Command::Step => run.advance(Time(run.now().0 + 1_000_000)),
            Command::Restart(seed) => shown.seed = seed.unwrap_or(shown.seed),
            Command::Speed(speed) => shown.speed = speed,
            Command::Length(length) => shown.length = Time(length.0),
            Command::Intervene { action, lasting, ramp } => {
                shown.problem = Some(format!("{action:?} {lasting:?} {ramp:?}"));
            }
            Command::Replace(design) => shown.design = design,
        }
        shown.frame = Arc::new(frame(&mut run, &shown.design, Basis::Recent));
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(shown.clone());
        wake();
    }
}
