//! The thread of a run: obey, simulate a little, show, sleep.

use super::pace::{Pace, wall};
use super::script::Script;
use super::watch::Watch;
use super::{Command, Snapshot};
use crate::base::Time;
use crate::metrics::{Recorder, Report};
use crate::run::{Basis, Run, frame};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Simulated without a look at commands: the longest that one of them waits, with what it takes to show something.
const SLICE: Duration = Duration::from_millis(5);
/// Events between two looks at the clock.
const BURST: u64 = 256;
/// The shortest sleep: events are not waited for one by one where nobody could tell.
const DOZE: Duration = Duration::from_millis(2);
/// Between snapshots.
const FRAME: Duration = Duration::from_micros(16_667);
/// Between copies of the windows, and between reports.
const COPY: Duration = Duration::from_millis(150);
const REPORT: Duration = Duration::from_millis(250);
/// How often what it took to make something passes before it is made again: frames take a quarter of the time at most,
/// the rest a ninth.
const FRAME_SHARE: u32 = 3;
const SHARE: u32 = 8;

/// Work until nobody holds the other end of the channel. If the simulation panics, the last snapshot says so.
pub(super) fn work(
    run: Run,
    first: Snapshot,
    orders: &Receiver<Command>,
    latest: &Mutex<Arc<Snapshot>>,
    wake: &dyn Fn(),
) {
    let show = |snapshot: Snapshot| {
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        wake();
    };
    let mut worker = Worker::new(run, first);
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| worker.work(orders, &show))) {
        let problem = format!("the simulation failed, which it never should: {}", said(&*payload));
        show(Snapshot { playing: false, reached: 0.0, problem: Some(problem), ..worker.shown });
    }
}

fn said(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

/// Something made for display: when, how long that took, and of how many windows of the run.
struct Made {
    at: Instant,
    took: Duration,
    windows: Option<usize>,
}

impl Made {
    fn now() -> Made {
        Made { at: wall(), took: Duration::ZERO, windows: Some(0) }
    }

    fn make<T>(&mut self, windows: usize, make: impl FnOnce() -> T) -> T {
        let begin = wall();
        let made = make();
        let at = wall();
        *self = Made { at, took: at.duration_since(begin), windows: Some(windows) };
        made
    }

    /// How long until it may be made again.
    fn rest(&self, every: Duration) -> Duration {
        let share = if every == FRAME { FRAME_SHARE } else { SHARE };
        every.max(self.took * share).saturating_sub(wall().duration_since(self.at))
    }
}

struct Worker {
    run: Run,
    script: Script,
    pace: Pace,
    playing: bool,
    /// Single events asked for.
    steps: u32,
    /// The run is simulated anew up to there.
    goal: Option<Time>,
    number: u64,
    problem: Option<String>,
    /// There is something that was not shown yet.
    changed: bool,
    shown: Snapshot,
    watch: Watch,
    frame: Made,
    copy: Made,
    /// The copy before the one that is shown: it is brought up to date, once nobody looks at it any more.
    spare: Option<Arc<Recorder>>,
    /// The copy that is shown is of the run before.
    is_anew: bool,
    report: Made,
    reporting: Option<Reporting>,
}

/// A report that is being made, for it takes long where there are many nodes.
struct Reporting {
    thread: JoinHandle<Report>,
    began: Instant,
    windows: Option<usize>,
}

/// A copy of a recording, made of an earlier copy of it where that can be had.
fn follow(spare: Option<Arc<Recorder>>, recorder: &Recorder) -> Arc<Recorder> {
    let Some(mut copy) = spare else { return Arc::new(recorder.clone()) };
    match Arc::get_mut(&mut copy) {
        Some(earlier) => earlier.follow(recorder),
        None => copy = Arc::new(recorder.clone()),
    }
    copy
}

impl Worker {
    fn new(mut run: Run, first: Snapshot) -> Worker {
        Worker {
            script: Script::new(Arc::clone(&first.design)),
            pace: Pace::new(first.speed, run.now()),
            playing: first.playing,
            steps: 0,
            goal: None,
            number: first.number,
            problem: None,
            changed: false,
            shown: first,
            watch: Watch::new(&mut run),
            frame: Made::now(),
            copy: Made::now(),
            spare: None,
            is_anew: false,
            report: Made::now(),
            reporting: None,
            run,
        }
    }

    fn work(&mut self, orders: &Receiver<Command>, show: &dyn Fn(Snapshot)) {
        let mut commands = Vec::new();
        loop {
            match self.rest() {
                None => commands.extend(orders.recv()),
                Some(Duration::ZERO) => {}
                Some(rest) => match orders.recv_timeout(rest) {
                    Ok(command) => commands.push(command),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            }
            let gone = loop {
                match orders.try_recv() {
                    Ok(command) => commands.push(command),
                    Err(end) => break end == TryRecvError::Disconnected,
                }
            };
            if gone {
                return;
            }
            let mut commands = commands.drain(..).peekable();
            while let Some(command) = commands.next() {
                // Of edits that came in a row, the last is what is drawn now.
                match (command, commands.peek()) {
                    (Command::Replace(design), Some(Command::Replace(_))) => self.script.take_over(&design),
                    (command, _) => self.obey(command),
                }
            }
            self.simulate();
            if self.show_rest() == Some(Duration::ZERO) {
                self.refresh();
                show(self.shown.clone());
            }
        }
    }

    // ---- time

    /// Whether time goes on by itself.
    fn is_going(&self) -> bool {
        self.playing && self.script.unsound().is_none() && !self.run.is_over()
    }

    /// How long there is nothing to do; until a command comes, if none.
    fn rest(&mut self) -> Option<Duration> {
        if self.goal.is_some() || self.steps > 0 {
            return Some(Duration::ZERO);
        }
        if !self.is_going() {
            return self.show_rest();
        }
        let events = match self.run.next_event() {
            Some(at) => self.pace.until(at.min(self.run.length())),
            None => self.pace.until(self.run.length()),
        };
        let next = if events.is_zero() { Duration::ZERO } else { events.max(DOZE) };
        Some(next.min(self.frame.rest(FRAME)))
    }

    fn simulate(&mut self) {
        if let Some(goal) = self.goal {
            if self.advance(goal) {
                self.goal = None;
                self.watch.begin(&mut self.run);
                self.pace.restart(self.run.now());
            }
            self.changed = true;
        } else if self.steps > 0 {
            for _ in 0..std::mem::take(&mut self.steps) {
                self.run.advance_events(self.run.length(), 1);
            }
            self.changed = true;
        } else if self.is_going() {
            if !self.advance(self.pace.due()) {
                self.pace.fell_behind(self.run.now());
            }
            self.changed = true;
        }
    }

    /// Simulate until then, for the length of a slice at most; returns whether it got there.
    fn advance(&mut self, until: Time) -> bool {
        let begin = wall();
        while !self.run.advance_events(until, BURST) {
            if wall().duration_since(begin) >= SLICE {
                return false;
            }
        }
        true
    }

    // ---- commands

    fn obey(&mut self, command: Command) {
        self.changed = true;
        let result = match command {
            Command::Play => {
                self.pace.restart(self.run.now());
                self.playing = true;
                Ok(())
            }
            Command::Pause => {
                self.playing = false;
                Ok(())
            }
            Command::Step => {
                self.playing = false;
                self.steps += u32::from(self.script.unsound().is_none());
                Ok(())
            }
            Command::Speed(speed) => {
                self.pace.set_speed(speed, self.run.now());
                Ok(())
            }
            Command::Restart(seed) => {
                self.number += 1;
                self.script.restart(seed);
                self.anew(None)
            }
            Command::Length(length) => self.script.set_length(length).and_then(|()| self.follow()),
            Command::Intervene { action, lasting, ramp } => match self.instant() {
                Some(at) => {
                    let done = self.script.intervene(at, action, lasting, ramp).and_then(|()| self.reschedule());
                    done.inspect(|()| self.show_at_once(at))
                }
                None => Err("the run is over: restart it".to_owned()),
            },
            Command::Replace(design) => {
                let at = self.instant().filter(|_| self.run.now() > Time::ZERO);
                match self.script.replace(design, at) {
                    Ok(true) => self.reschedule(),
                    Ok(false) => self.follow(),
                    Err(problem) => Err(problem),
                }
            }
        };
        self.problem = result.err().or_else(|| self.script.unsound().cloned());
    }

    /// Where the run rests it goes on to the instant of what was done, a nanosecond or two, so that it can be seen.
    fn show_at_once(&mut self, at: Time) {
        let rests = !self.is_going() && self.goal.is_none() && self.steps == 0;
        if rests && self.script.unsound().is_none() {
            self.run.advance_events(at, u64::MAX);
        }
    }

    /// The first instant at which something can still be done.
    fn instant(&self) -> Option<Time> {
        let next = self.run.next_instant().max(self.goal.map_or(Time::ZERO, |goal| Time(goal.0 + 1)));
        (next <= self.run.length()).then_some(next)
    }

    /// The timeline is another.
    fn reschedule(&mut self) -> Result<(), String> {
        if !self.run.reschedule(self.script.design()) {
            return self.follow();
        }
        self.is_different();
        Ok(())
    }

    /// What was made of the run is no longer true.
    fn is_different(&mut self) {
        (self.copy.windows, self.report.windows, self.reporting) = (None, None, None);
    }

    /// Simulate the present design up to where the run is.
    fn follow(&mut self) -> Result<(), String> {
        let now = self.goal.unwrap_or(self.run.now());
        self.anew((now > Time::ZERO).then_some(now))
    }

    fn anew(&mut self, goal: Option<Time>) -> Result<(), String> {
        self.run = self.script.begin()?;
        self.goal = goal.map(|goal| goal.min(self.run.length()));
        self.steps = 0;
        if self.goal.is_none() {
            self.watch.begin(&mut self.run);
        }
        (self.spare, self.is_anew) = (None, true);
        self.watch.forget();
        self.pace.restart(self.run.now());
        self.is_different();
        Ok(())
    }

    // ---- showing

    fn windows(&self) -> usize {
        self.run.recorder().series().ends.len()
    }

    /// How long until there is something to show, if there is anything.
    fn show_rest(&self) -> Option<Duration> {
        let frame = self.frame.rest(FRAME);
        if self.changed {
            return Some(frame);
        }
        if self.goal.is_some() {
            return None;
        }
        match &self.reporting {
            _ if self.copy.windows != Some(self.windows()) => Some(self.copy.rest(COPY).max(frame)),
            Some(reporting) if reporting.thread.is_finished() => Some(frame),
            // Look again.
            Some(_) => Some(FRAME),
            None if self.report.windows != self.copy.windows => Some(self.report.rest(REPORT).max(frame)),
            None => None,
        }
    }

    /// Begin a report of the copy that is shown, or take one that is done.
    fn report(&mut self) {
        if let Some(done) = self.reporting.take_if(|reporting| reporting.thread.is_finished()) {
            let report = done.thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            self.shown.report = Arc::new(report);
            let at = wall();
            self.report = Made { at, took: at.duration_since(done.began), windows: done.windows };
        }
        if self.reporting.is_none() && self.report.windows != self.copy.windows && self.report.rest(REPORT).is_zero() {
            let (reporter, recorder) = (self.run.reporter(), Arc::clone(&self.shown.recorder));
            // Without a thread the report stays what it is until there is one.
            let thread = Builder::new().name("report".to_owned()).spawn(move || reporter(&recorder));
            let reporting = |thread| Reporting { thread, began: wall(), windows: self.copy.windows };
            self.reporting = thread.ok().map(reporting);
        }
    }

    /// Bring what is shown up to date.
    fn refresh(&mut self) {
        self.changed = false;
        let (windows, over) = (self.windows(), self.run.is_over());
        let shown = &mut self.shown;
        shown.design = Arc::clone(self.script.design());
        if let Some(goal) = self.goal {
            // The picture stays until the new run is there.
            self.frame.make(windows, || ());
            shown.now = goal;
            shown.replaying = Some(self.run.now().0 as f64 / goal.0.max(1) as f64);
        } else {
            let (run, design) = (&mut self.run, &shown.design);
            shown.frame = Arc::new(self.frame.make(windows, || frame(run, design, Basis::Recent)));
            if self.copy.windows != Some(windows) && (over || self.copy.rest(COPY).is_zero()) {
                let spare = self.spare.take();
                let copy = self.copy.make(windows, || follow(spare, run.recorder()));
                let before = std::mem::replace(&mut shown.recorder, copy);
                self.spare = (!std::mem::take(&mut self.is_anew)).then_some(before);
            }
            if over && self.report.windows != Some(windows) {
                self.reporting = None;
                shown.report = Arc::new(self.report.make(windows, || run.report()));
            }
            self.watch.look(run);
            (shown.journeys, shown.journeys_ended) = self.watch.journeys();
            let open = run.sim().journeys().filter(|_| !self.playing).cloned().map(Arc::new);
            shown.journeys_open = open.collect();
            (shown.now, shown.events, shown.requests) = (run.now(), run.events(), run.requests());
            shown.replaying = None;
            self.report();
        }
        let shown = &mut self.shown;
        shown.length = self.run.length();
        shown.over = over && self.goal.is_none();
        shown.playing = self.playing;
        shown.speed = self.pace.speed();
        shown.seed = shown.design.seed;
        shown.number = self.number;
        shown.interventions = Arc::clone(self.script.interventions());
        shown.problem.clone_from(&self.problem);
        self.shown.reached =
            if self.is_going() && self.goal.is_none() { self.pace.reached(self.run.now()) } else { 0.0 };
    }
}
