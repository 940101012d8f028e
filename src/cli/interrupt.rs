//! Ctrl-C: the first ends the run that is being simulated, the second ends the program.

use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

/// Nothing is simulated: Ctrl-C ends the program.
const IDLE: u8 = 0;
const SIMULATING: u8 = 1;
/// The simulation is told to end, and what there is will be written.
const INTERRUPTED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(IDLE);

/// Whether the run was interrupted: nothing more is to be simulated.
pub fn is_interrupted() -> bool {
    STATE.load(Ordering::Relaxed) == INTERRUPTED
}

/// Do something that asks, every now and then, whether it is to go on.
pub fn interruptible(simulate: impl FnOnce()) {
    static WATCH: Once = Once::new();
    // Where it cannot be watched, Ctrl-C ends the program as it does everywhere.
    WATCH.call_once(|| drop(ctrlc::set_handler(on_signal)));
    change(IDLE, SIMULATING);
    simulate();
    change(SIMULATING, IDLE);
}

/// Returns whether the state was `from`.
fn change(from: u8, to: u8) -> bool {
    STATE.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

fn on_signal() {
    if !change(SIMULATING, INTERRUPTED) {
        std::process::exit(i32::from(super::INTERRUPTED));
    }
}
