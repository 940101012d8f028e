//! A run in a thread of its own: it never waits for whoever looks at it, nor they for it.
//!
//! Commands go in over a channel, snapshots come out through [`Runner::latest`]. Neither playing, pausing, speed nor
//! looking changes a number: a run is (design, seed, interventions), and [`Snapshot::design`] holds all three.

mod pace;
mod script;
mod watch;
mod worker;

use super::{Basis, Run, frame};
use crate::base::{Finding, Span, Subject, Time};
use crate::design::{Action, Design, Intervention};
use crate::engine::Journey;
use crate::metrics::{Frame, Recorder, Report};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How fast a run is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Simulated seconds per second of wall time, from [`Speed::SLOWEST`] upwards; what is asked for beyond what the
    /// machine can do is played as fast as it goes.
    Times(f64),
    /// As fast as it goes.
    Fastest,
}

impl Speed {
    /// A millisecond takes a second.
    pub const SLOWEST: f64 = 1e-3;
}

/// The state of a run for whoever looks at it. The thread makes a new one at most 60 times per second while something
/// changes, and none while it rests. How old each part may be is said at it; what is not said is of the instant `now`.
#[derive(Clone)]
pub struct Snapshot {
    /// What is run: the design as last given, with everything that was done by hand on its timeline and the seed and
    /// length in use. Its headless run gives these numbers to the last bit.
    pub design: Arc<Design>,
    /// Rates, shares and percentiles over the last thirty-second or two of the run's length until now, as `since` in it
    /// says; dots, queues and slots at its `at`.
    /// Made with every snapshot, less often only where making one takes longer than a few milliseconds. While the run is
    /// simulated anew it is the frame of the earlier run.
    pub frame: Arc<Frame>,
    /// The latest journeys of sampled requests that have ended, in the order in which they did, and how many have since
    /// this runner began: who knows how many there were at the last look, knows which are new. One of `frame.sampling`
    /// requests is sampled, so that no more of them end in a second of wall time than can be followed.
    pub journeys: Arc<[Arc<Journey>]>,
    pub journeys_ended: u64,
    /// Those that go on; only while the run rests, when one can be pointed at.
    pub journeys_open: Arc<[Arc<Journey>]>,
    /// The windows of the run for plots and tables, up to its last `series().ends`. At most 0.2 s of wall time behind, more
    /// where copying them takes longer than 20 ms; complete when the run is over.
    pub recorder: Arc<Recorder>,
    /// The figures of those windows, or of a few less: at most 0.5 s of wall time behind, more where a report takes longer
    /// than 30 ms; complete when the run is over.
    pub report: Arc<Report>,
    /// How far it is simulated, and where it ends.
    pub now: Time,
    pub length: Time,
    /// Whether it is to go on; it does not while it is `over` or there is a `problem` with the design.
    pub playing: bool,
    pub over: bool,
    /// The run is being simulated anew up to `now`, because the design was changed: how much of that is done, between 0 and
    /// 1. Until then frame, windows, report and counts are those of the run before.
    pub replaying: Option<f64>,
    /// The speed that was asked for.
    pub speed: Speed,
    /// Simulated seconds per second of wall time over the last half second; 0 where it rests.
    pub reached: f64,
    /// Events simulated and requests issued so far.
    pub events: u64,
    pub requests: u64,
    pub seed: u64,
    /// Grows by one with each restart.
    pub number: u64,
    /// What was done by hand since the last restart, in the order in which it was done; it only grows. Whoever keeps
    /// the design puts what is new onto its timeline, so that it is saved, can be undone, and outlasts a restart.
    pub interventions: Arc<[Intervention]>,
    /// Why the last command had no effect, or else why the design as last given cannot be run.
    pub problem: Option<String>,
}

/// What the thread is told.
enum Command {
    Play,
    Pause,
    Step,
    Restart(Option<u64>),
    Speed(Speed),
    Length(Span),
    Intervene { action: Action, lasting: Option<Span>, ramp: Option<Span> },
    Replace(Arc<Design>),
}

/// The code of the finding that the system has no thread for the run.
pub const NO_THREAD: &str = "no-thread";

fn no_thread(error: &std::io::Error) -> Finding {
    let message = format!("the system has no thread for the run ({error})");
    Finding::error(NO_THREAD, Subject::of(["run"]), message)
        .with_remedy("end other programs, or raise the limit of processes")
}

/// A handle to a run in its own thread, which ends when this is dropped. Every method returns at once.
pub struct Runner {
    commands: Option<Sender<Command>>,
    latest: Arc<Mutex<Arc<Snapshot>>>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    /// Get a design ready, paused at its beginning, at speed 1. `wake` is called from the thread when there is a new
    /// snapshot: at most 60 times per second.
    ///
    /// # Errors
    /// All findings, if one of them is an error; or one with the code [`NO_THREAD`].
    pub fn start(design: Arc<Design>, wake: impl Fn() + Send + 'static) -> Result<Runner, Vec<Finding>> {
        let mut run = Run::new(&design)?.with_small_windows();
        let first = Snapshot {
            frame: Arc::new(frame(&mut run, &design, Basis::Recent)),
            journeys: Arc::new([]),
            journeys_ended: 0,
            journeys_open: Arc::new([]),
            recorder: Arc::new(run.recorder().clone()),
            report: Arc::new(run.report()),
            now: run.now(),
            length: run.length(),
            playing: false,
            over: false,
            replaying: None,
            speed: Speed::Times(1.0),
            reached: 0.0,
            events: 0,
            requests: 0,
            seed: design.seed,
            number: 0,
            interventions: Arc::new([]),
            problem: None,
            design,
        };
        let latest = Arc::new(Mutex::new(Arc::new(first.clone())));
        let (commands, orders) = mpsc::channel();
        let shared = Arc::clone(&latest);
        let thread = std::thread::Builder::new()
            .name("run".to_owned())
            .spawn(move || worker::work(run, first, &orders, &shared, &wake))
            .map_err(|error| vec![no_thread(&error)])?;
        Ok(Runner { commands: Some(commands), latest, thread: Some(thread) })
    }

    /// The newest snapshot.
    pub fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn play(&self) {
        self.send(Command::Play);
    }

    pub fn pause(&self) {
        self.send(Command::Pause);
    }

    /// Simulate a single event, and pause.
    pub fn step(&self) {
        self.send(Command::Step);
    }

    /// Back to the beginning, with the design as last given: what was done by hand is done again where its timeline
    /// holds it. With another seed, where one is given, until a design with another one comes. Plays on if it played.
    pub fn restart(&self, seed: Option<u64>) {
        self.send(Command::Restart(seed));
    }

    pub fn set_speed(&self, speed: Speed) {
        self.send(Command::Speed(speed));
    }

    /// Let the run end there, until a design with another length comes. The windows of its recording depend on that, so
    /// that it is simulated anew up to where it is.
    pub fn set_length(&self, length: Span) {
        self.send(Command::Length(length));
    }

    /// Do something to the running design now: at the next nanosecond. It shows up in [`Snapshot::interventions`].
    pub fn intervene(&self, action: Action, lasting: Option<Span>, ramp: Option<Span>) {
        self.send(Command::Intervene { action, lasting, ramp });
    }

    /// Set a live parameter of a node or a link now, by its path (`api.slots`, `api->db.timeout`) and as it stands in a
    /// file. It is an intervention like any other: before it, the run was with the value of the design.
    pub fn set(&self, path: impl Into<String>, text: impl Into<String>) {
        self.intervene(Action::Set(path.into(), text.into()), None, None);
    }

    /// The design was edited.
    ///
    /// - Where nodes stand, labels, title, notes, expectations: nothing happens to the run.
    /// - Live parameters: they are set at the next nanosecond, which [`Snapshot::design`] holds on its timeline.
    /// - Things on the timeline that are still to come: they come as they are there now. What was done by hand stays
    ///   done until it was on the timeline once and then no longer is.
    /// - Anything else: the run is simulated anew up to this instant with the same seed, as if the design had been so
    ///   from the beginning. That is exact, and it can be repeated; the state of calls in flight fits no other drawing.
    /// - If the design cannot be run, the run rests where it is, with a problem, until one comes that can.
    pub fn replace(&self, design: Arc<Design>) {
        self.send(Command::Replace(design));
    }

    /// The thread hears of it within about ten milliseconds.
    fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // It is gone only if it panicked, which the snapshot tells.
            let _ = commands.send(command);
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic was told when it happened.
            let _ = thread.join();
        }
    }
}
