//! How requests move on the board. In true time a dot is where its call is at the instant of the frame. At higher speeds,
//! where nobody could follow that, a sampled request that has ended is played back: all its ways and waits are stretched
//! by one factor, which is the same for all.

use crate::base::{Time, maths};
use crate::engine::{Hop, Journey, Leg, is_in, next_every, previous_every};
use crate::figure::dots;
use crate::metrics::Token;
use crate::run::{Snapshot, Speed};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What the median journey is stretched to, in seconds.
const MEDIAN: f64 = 2.0;
/// A journey that takes longer than this on the screen as it is needs no stretching, in seconds.
const SLOW_ENOUGH: f64 = 1.0;
/// The shortest way over a link on the screen, in seconds: of what takes no time at all, one would see nothing.
const SHORTEST: f64 = 0.3;
/// How much of how full a link is counts in a frame.
const CROWD: f64 = 0.05;
/// How long the mark of a call that failed is seen, in seconds.
pub const MARK: f64 = 0.6;
/// The longest that is played of a journey, in seconds: long after the others, it would say little.
const LONGEST: f64 = 20.0;
/// A link that fails shows it at least so often, in seconds: few dots stand for many requests, and of rare failures none
/// would be seen.
const FLOOR: f64 = 1.0;
/// Journeys of which the median is taken, and journeys that are played at once.
const RECENT: usize = 101;
const MOST: usize = 1_000;

/// When a call is where on the screen, in seconds since its journey began there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shown {
    left: f64,
    arrives: f64,
    answered: f64,
    back: f64,
    /// The caller knows how it went.
    settled: f64,
}

const NEVER: f64 = f64::INFINITY;
/// In the sample however few there are: see [`is_in`].
const ALWAYS: u64 = 0;

/// A journey that is played back.
struct Play {
    journey: Arc<Journey>,
    calls: Vec<Shown>,
    began: f64,
    ends: f64,
    /// By which it is chosen: its own, or for a failure that is shown besides, one that is always chosen.
    id: u64,
}

/// A call that has failed just now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub link: usize,
    pub journey: u64,
    /// Where on the link, and how long ago as a share of [`MARK`].
    pub way: f64,
    pub age: f64,
}

impl Mark {
    /// Whether it is of the one in so many of its link.
    pub fn is_drawn(&self, every: &[u64]) -> bool {
        every.get(self.link).is_some_and(|every| is_in(self.journey, *every))
    }
}

/// The requests that are seen moving.
pub struct Motion {
    plays: VecDeque<Play>,
    /// Durations of the latest journeys, in simulated seconds.
    recent: VecDeque<f64>,
    /// Seconds on the screen for a simulated one.
    stretch: Option<f64>,
    /// Of which run, and how many of its journeys were seen.
    number: u64,
    seen: u64,
    /// When each link showed a failure last, by its number.
    failed: BTreeMap<usize, f64>,
    /// Seconds played, and the time of the last look.
    clock: f64,
    looked: f64,
    /// Events of the run when it was paused.
    paused_at: Option<u64>,
    pub is_stretched: bool,
    /// Of the requests on each link one in so many is drawn.
    pub every: Vec<u64>,
    /// How full each is of dots, lately, and when its sample changed last.
    crowds: Vec<Crowd>,
}

#[derive(Clone, Copy, Default)]
struct Crowd {
    full: f64,
    changed: f64,
}

impl Default for Motion {
    fn default() -> Motion {
        Motion {
            plays: VecDeque::new(),
            recent: VecDeque::new(),
            stretch: None,
            number: 0,
            seen: 0,
            failed: BTreeMap::new(),
            clock: 0.0,
            looked: 0.0,
            paused_at: None,
            is_stretched: true,
            every: Vec::new(),
            crowds: Vec::new(),
        }
    }
}

impl Motion {
    /// Look at the run, at this time of the window.
    pub fn follow(&mut self, snapshot: &Snapshot, now: f64) {
        let passed = (now - self.looked).clamp(0.0, 0.25);
        self.looked = now;
        if snapshot.number != self.number {
            *self = Motion { number: snapshot.number, seen: snapshot.journeys_ended, looked: now, ..Motion::default() };
        }
        let goes_on = snapshot.playing || snapshot.over;
        self.choose(snapshot, goes_on);
        if goes_on {
            self.clock += passed;
        }
        let new = (snapshot.journeys_ended - self.seen).min(snapshot.journeys.len() as u64) as usize;
        self.seen = snapshot.journeys_ended;
        for journey in &snapshot.journeys[snapshot.journeys.len() - new..] {
            self.measure(journey);
            if self.is_stretched && self.plays.len() < MOST && journey.is_in(snapshot.frame.sampling) {
                let id = if self.note_failures(journey) { ALWAYS } else { journey.id };
                self.play(journey.clone(), id);
            }
        }
        let clock = self.clock;
        self.plays.retain(|play| clock < play.began + play.ends + MARK);
    }

    /// True time where it is slow enough to be followed, and where single events are looked at.
    fn choose(&mut self, snapshot: &Snapshot, goes_on: bool) {
        self.paused_at = if goes_on { None } else { self.paused_at.or(Some(snapshot.events)) };
        let stepped = self.paused_at.is_some_and(|events| events != snapshot.events);
        if !goes_on && !stepped {
            return;
        }
        let lasts = self.median().map(|median| match snapshot.speed {
            Speed::Times(times) => median / times,
            Speed::Fastest => 0.0,
        });
        // Until one has ended, by the speed alone. What is slow enough stays so until it is plainly not.
        let slow = match lasts {
            None => matches!(snapshot.speed, Speed::Times(times) if times <= 0.05),
            Some(lasts) => lasts >= SLOW_ENOUGH * if self.is_stretched { 1.0 } else { 0.7 },
        };
        let stretched = !stepped && !slow;
        if self.is_stretched && !stretched {
            self.plays.clear();
        }
        self.is_stretched = stretched;
    }

    fn measure(&mut self, journey: &Journey) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(journey.end().since(journey.begin()).as_secs());
        let Some(median) = self.median() else { return };
        let wanted = MEDIAN / median.max(1e-9);
        // It drifts rather than jumps.
        self.stretch = Some(self.stretch.map_or(wanted, |stretch| stretch * maths::pow(wanted / stretch, 0.05)));
    }

    fn median(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.recent.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }

    /// Note what failed in a journey. Whether it shows a failure, on a link on which it is not among those drawn, that has
    /// shown none for a while.
    fn note_failures(&mut self, journey: &Journey) -> bool {
        let mut rare = false;
        for hop in journey.hops.iter().filter(|hop| hop.outcome.is_err()) {
            let drawn = self.every.get(hop.link.index()).is_none_or(|every| journey.is_in(*every));
            let last = self.failed.entry(hop.link.index()).or_insert(-FLOOR);
            if drawn || self.clock - *last >= FLOOR {
                *last = self.clock;
                rare |= !drawn;
            }
        }
        rare
    }

    /// Whether failures are drawn that the sample alone would not show.
    pub fn shows_rare(&self) -> bool {
        self.is_stretched && self.plays.iter().any(|play| play.id == ALWAYS)
    }

    fn play(&mut self, journey: Arc<Journey>, id: u64) {
        let Some(stretch) = self.stretch else { return };
        let calls = schedule(&journey.hops, stretch);
        let last = |call: &Shown| {
            [call.left, call.arrives, call.answered, call.back]
                .into_iter()
                .filter(|t| t.is_finite())
                .fold(0.0, f64::max)
        };
        let ends = calls.iter().map(last).fold(0.0, f64::max).min(LONGEST);
        self.plays.push_back(Play { journey, calls, began: self.clock, ends, id });
    }

    /// Of the requests on each of so many links one in `sampled` is drawn, or less: the sample of each link has been fitted
    /// to its room.
    pub fn sample(&mut self, sampled: u64, links: usize) {
        self.every.resize(links, sampled);
        self.crowds.resize(links, Crowd::default());
        self.every.iter_mut().for_each(|every| *every = sampled.max(*every));
    }

    /// The links of dots and marks that would be fewer if fewer requests were drawn.
    pub fn crowding<'a>(&'a self, tokens: &'a [Token], marks: &'a [Mark]) -> impl Iterator<Item = usize> + 'a {
        let tokens = tokens.iter().filter(|token| token.journey != ALWAYS && dots::is_drawn(token, &self.every));
        let marks = marks.iter().filter(|mark| mark.journey != ALWAYS && mark.is_drawn(&self.every));
        tokens.map(|token| token.link).chain(marks.map(|mark| mark.link))
    }

    /// See to it that there is room for the dots of every link, and that there are not far too few: `full` is how much of
    /// its room each needs, `sampled` what there is to choose from. Each changes once a second at most.
    pub fn fit(&mut self, sampled: u64, full: &[f64], now: f64) {
        for ((every, crowd), full) in self.every.iter_mut().zip(&mut self.crowds).zip(full) {
            crowd.full += (full - crowd.full) * CROWD;
            if now - crowd.changed < 1.0 {
                continue;
            }
            let before = *every;
            while crowd.full > 1.0 {
                let next = next_every(*every);
                crowd.full *= *every as f64 / next as f64;
                *every = next;
            }
            if crowd.full < 0.3 {
                *every = previous_every(*every).max(sampled);
            }
            if *every != before {
                crowd.changed = now;
            }
        }
    }

    /// Whether something moves by itself.
    pub fn is_moving(&self, snapshot: &Snapshot) -> bool {
        self.is_stretched && !self.plays.is_empty() && (snapshot.playing || snapshot.over)
    }

    /// How many times slower than in the run what is played back moves.
    pub fn slowed(&self) -> Option<f64> {
        self.stretch.filter(|_| self.is_stretched)
    }

    /// The request that one of the [`tokens`](Motion::tokens) belongs to, or one of the frame.
    pub fn journey(&self, snapshot: &Snapshot, token: &Token) -> Option<Arc<Journey>> {
        if !self.is_stretched {
            let mut all = snapshot.journeys_open.iter().chain(snapshot.journeys.iter());
            return all.find(|journey| journey.id == token.journey).cloned();
        }
        let is_there = |play: &&Play| {
            let at = self.clock - play.began;
            let mut calls = play.journey.hops.iter().zip(&play.calls);
            calls.any(|(hop, shown)| hop.link.index() == token.link && shown.leg(at) == Some((token.leg, token.way)))
        };
        self.plays.iter().find(is_there).map(|play| play.journey.clone())
    }

    /// Where the calls are now, and what has just failed. In true time the frame knows.
    pub fn tokens(&self) -> (Vec<Token>, Vec<Mark>) {
        let (mut tokens, mut marks) = (Vec::new(), Vec::new());
        for play in &self.plays {
            let at = self.clock - play.began;
            if at > LONGEST {
                continue;
            }
            for (hop, shown) in play.journey.hops.iter().zip(&play.calls) {
                let failed = hop.outcome.is_err();
                if let Some((leg, way)) = shown.leg(at) {
                    tokens.push(Token {
                        link: hop.link.index(),
                        class: hop.class.index(),
                        leg,
                        way,
                        journey: play.id,
                        is_retry: hop.attempt > 1,
                        // On its way there nobody knows.
                        failed: failed && (leg == Leg::Back || at >= shown.settled),
                    });
                }
                let age = (at - shown.settled) / MARK;
                // Where a failure comes back, its own dot tells.
                if failed && (0.0..1.0).contains(&age) && shown.settled < shown.back {
                    let way = shown.leg(shown.settled).map_or(0.5, |(leg, way)| match leg {
                        Leg::There => way,
                        Leg::AtCallee => 1.0,
                        Leg::Back => 1.0 - way,
                    });
                    marks.push(Mark { link: hop.link.index(), journey: play.id, way, age });
                }
            }
        }
        (tokens, marks)
    }
}

impl Shown {
    fn leg(&self, at: f64) -> Option<(Leg, f64)> {
        if at < self.left {
            None
        } else if at < self.arrives {
            let arrives = if self.arrives.is_finite() { self.arrives } else { self.left + 2.0 * SHORTEST };
            // What is lost gets no farther than half its way.
            let share = (at - self.left) / (arrives - self.left);
            (self.arrives.is_finite() || share < 0.5).then_some((Leg::There, share))
        } else if at < self.answered {
            Some((Leg::AtCallee, 1.0))
        } else if at < self.back {
            let back = if self.back.is_finite() { self.back } else { self.answered + 2.0 * SHORTEST };
            let share = (at - self.answered) / (back - self.answered);
            (self.back.is_finite() || share < 0.5).then_some((Leg::Back, share))
        } else {
            None
        }
    }
}

/// When each call is where on the screen. Times between what happens at one place are stretched by the factor; ways that
/// would be too short to be seen take longer, and everything after waits for them.
fn schedule(hops: &[Hop], stretch: f64) -> Vec<Shown> {
    let none = Shown { left: NEVER, arrives: NEVER, answered: NEVER, back: NEVER, settled: NEVER };
    let mut schedule = Schedule { hops, stretch, shown: vec![none; hops.len()] };
    if let Some(first) = hops.first() {
        schedule.children(None, (first.sent, 0.0), Time::NEVER);
    }
    schedule.shown
}

struct Schedule<'a> {
    hops: &'a [Hop],
    stretch: f64,
    shown: Vec<Shown>,
}

impl Schedule<'_> {
    fn stretched(&self, from: Time, to: Time) -> f64 {
        to.since(from).as_secs() * self.stretch
    }

    /// What a caller does from an instant on, whose time on the screen is given, until another. Returns the last of its
    /// instants before that.
    fn children(&mut self, parent: Option<u16>, from: (Time, f64), until: Time) -> (Time, f64) {
        let mine = |i: &usize| self.hops[*i].parent == parent;
        let children: Vec<usize> = (0..self.hops.len()).filter(mine).collect();
        let mut moments: Vec<(Time, bool, usize)> = children.iter().map(|&i| (self.hops[i].sent, true, i)).collect();
        moments
            .extend(children.iter().map(|&i| (self.hops[i].settled, false, i)).filter(|(at, ..)| *at != Time::NEVER));
        moments.sort_by_key(|(at, begins, i)| (*at, !*begins && self.hops[*i].sent < *at, *i, !*begins));
        let mut cursor = from;
        for (at, begins, i) in moments {
            let mut on_screen = cursor.1 + self.stretched(cursor.0, at.max(cursor.0));
            if begins {
                self.call(i, on_screen);
            } else {
                on_screen = on_screen.max(self.shown[i].settled);
            }
            // What comes after its answer is no longer the caller's business.
            if at <= until {
                cursor = (at.max(cursor.0), on_screen);
            }
        }
        cursor
    }

    /// A call that is sent at this time of the screen.
    fn call(&mut self, i: usize, sent: f64) {
        let hop = self.hops[i];
        let gone = hop.settled == Time::NEVER;
        let settled = if gone { NEVER } else { sent + self.stretched(hop.sent, hop.settled) };
        let mut shown = Shown { left: NEVER, arrives: NEVER, answered: NEVER, back: NEVER, settled };
        if hop.request.left != Time::NEVER {
            shown.left = sent + self.stretched(hop.sent, hop.request.left);
        }
        if hop.request.arrives != Time::NEVER {
            shown.arrives = shown.left + self.stretched(hop.request.left, hop.request.arrives).max(SHORTEST);
            let answered = hop.reply.left;
            let cursor = self.children(Some(i as u16), (hop.request.arrives, shown.arrives), answered);
            if answered != Time::NEVER {
                shown.answered = cursor.1 + self.stretched(cursor.0, answered.max(cursor.0));
            }
        }
        if hop.reply.arrives != Time::NEVER {
            shown.back = shown.answered + self.stretched(hop.reply.left, hop.reply.arrives).max(SHORTEST);
            // The caller had the reply, unless it gave up before.
            if hop.settled >= hop.reply.arrives {
                shown.settled = shown.back;
            }
        }
        self.shown[i] = shown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ClassId, LinkId};
    use crate::engine::{Passage, Reason};
    use crate::whiteboard::headless::Headless;

    const MS: u64 = 1_000_000;

    fn passage(left: u64, arrives: u64) -> Passage {
        Passage { left: Time(left * MS), arrives: Time(arrives * MS) }
    }

    fn hop(link: u32, parent: Option<u16>, request: Passage, reply: Passage) -> Hop {
        let (sent, settled) = (request.left, reply.arrives);
        Hop {
            link: LinkId(link),
            class: ClassId(0),
            attempt: 1,
            parent,
            sent,
            request,
            reply,
            settled,
            outcome: Ok(()),
        }
    }

    #[test]
    fn proportions_are_kept() {
        // 1 ms there, 10 of work, a call of 30 ms that takes 10 each way, 5 of work, 1 back.
        let hops = [hop(0, None, passage(0, 1), passage(46, 47)), hop(1, Some(0), passage(11, 21), passage(31, 41))];
        let shown = schedule(&hops, 1_000.0);
        let times =
            |shown: Shown| [shown.left, shown.arrives, shown.answered, shown.back].map(|t| (t * 1e3).round() / 1e3);
        assert_eq!(times(shown[0]), [0.0, 1.0, 46.0, 47.0]);
        assert_eq!(times(shown[1]), [11.0, 21.0, 31.0, 41.0]);
    }

    #[test]
    fn what_takes_no_time_is_seen_in_its_order() {
        // Three links without latency, and all the time spent at the last node.
        let hops = [
            hop(0, None, passage(0, 0), passage(10, 10)),
            hop(1, Some(0), passage(0, 0), passage(10, 10)),
            hop(2, Some(1), passage(0, 0), passage(10, 10)),
        ];
        let shown = schedule(&hops, 100.0);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        for (i, call) in shown.iter().enumerate() {
            assert!(near(call.left, SHORTEST * i as f64) && near(call.arrives, call.left + SHORTEST), "{shown:?}");
        }
        assert!(near(shown[2].answered, shown[2].arrives + 1.0));
        assert!(near(shown[1].answered, shown[2].back) && near(shown[0].answered, shown[1].back));
        assert!(near(shown[0].settled, shown[0].back));
    }

    #[test]
    fn calls_side_by_side_move_side_by_side() {
        let hops = [
            hop(0, None, passage(0, 1), passage(12, 13)),
            hop(1, Some(0), passage(1, 2), passage(5, 6)),
            hop(2, Some(0), passage(1, 2), passage(11, 12)),
        ];
        let shown = schedule(&hops, 1_000.0);
        assert_eq!(shown[1].left, shown[2].left);
        assert!(shown[1].back < shown[2].back && shown[2].back <= shown[0].answered);
    }

    #[test]
    fn a_caller_that_gave_up_goes_on_while_the_callee_does_too() {
        let mut late = hop(0, None, passage(0, 1), passage(30, 31));
        (late.settled, late.outcome) = (Time(5 * MS), Err(Reason::Timeout));
        let mut again = hop(0, None, passage(5, 6), passage(7, 8));
        again.attempt = 2;
        let shown = schedule(&[late, again], 1_000.0);
        assert_eq!((shown[0].settled.round(), shown[1].left.round()), (5.0, 5.0));
        assert_eq!(shown[0].leg(20.0), Some((Leg::AtCallee, 1.0)));
        assert!(matches!(shown[0].leg(30.5), Some((Leg::Back, _))));
    }

    #[test]
    fn at_full_speed_requests_are_played_back_and_in_slow_motion_they_are_where_they_are() {
        let text = include_str!("../../scenarios/url_shortener.ron");
        let design = crate::scenario::read_str(text).drawing.expect("a design");
        let mut window = Headless::new(design, egui::vec2(1440.0, 900.0));
        let until = |window: &mut Headless, what: &str, holds: &dyn Fn(&Headless, usize) -> bool| {
            for _ in 0..2_000 {
                let dots = window.frame(0.016, Vec::new()).dots;
                if holds(window, dots) {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(4));
            }
            panic!("{what}");
        };
        until(&mut window, "nothing is played back", &|window, dots| dots > 2 && window.app.motion.is_stretched);
        assert!(window.app.motion.slowed().is_some_and(|slowed| slowed > 5.0));
        window.set_speed(0.002);
        until(&mut window, "no true time", &|window, dots| dots > 2 && !window.app.motion.is_stretched);
        assert_eq!(window.app.motion.slowed(), None);
        // Without motion nothing moves.
        window.app.look.still = true;
        assert_eq!(window.frame(0.016, Vec::new()).dots, 0);
    }

    #[test]
    fn of_rare_failures_one_is_seen_each_second() {
        let mut motion = Motion::default();
        motion.sample(1_000_000, 4);
        let journey = |id: u64, fails: bool| {
            let mut hop = hop(3, None, passage(0, 1), passage(2, 3));
            hop.outcome = if fails { Err(Reason::Error) } else { Ok(()) };
            Journey { id, hops: vec![hop] }
        };
        assert!(!motion.note_failures(&journey(u64::MAX, false)), "it went well");
        let mut seen = 0;
        for tenth in 0..50 {
            motion.clock = f64::from(tenth) / 10.0;
            seen += usize::from(motion.note_failures(&journey(u64::MAX, true)));
        }
        assert_eq!(seen, 5);
        // However many they are, the others do not make room for them.
        let token = |journey: u64| Token {
            link: 3,
            class: 0,
            leg: Leg::There,
            way: 0.5,
            journey,
            is_retry: false,
            failed: true,
        };
        motion.sample(1, 4);
        motion.every = vec![1; 4];
        assert_eq!(motion.crowding(&[token(ALWAYS), token(7), token(ALWAYS)], &[]).collect::<Vec<usize>>(), [3]);
        motion.every = vec![1_000_000; 4];
        // One of the sample counts as well, and is not chosen twice.
        motion.clock = 10.0;
        assert!(!motion.note_failures(&journey(ALWAYS, true)) && !motion.note_failures(&journey(u64::MAX, true)));
        assert!(crate::engine::is_in(ALWAYS, u64::MAX));
    }

    #[test]
    fn each_link_is_fitted_by_itself_and_not_at_every_frame() {
        let mut motion = Motion::default();
        motion.sample(10, 2);
        let mut changes = Vec::new();
        // A hundred dots of one request in ten on the first link, as shares of its room of twenty; later none.
        for frame in 0..1_200 {
            let now = f64::from(frame) / 60.0;
            let calls = if now < 10.0 { 1_000.0 } else { 0.0 };
            let before = motion.every[0];
            motion.fit(10, &[calls / motion.every[0] as f64 / 20.0, 0.5], now);
            if motion.every[0] != before {
                changes.push(now);
            }
            assert!(motion.every[1] == 10, "it has room");
            if (5.0..10.0).contains(&now) {
                assert!((50..=100).contains(&motion.every[0]), "{}", motion.every[0]);
            }
        }
        assert_eq!(motion.every, [10, 10], "there is room again");
        assert!(changes.windows(2).all(|pair| pair[1] - pair[0] >= 1.0), "{changes:?}");
    }

    #[test]
    fn what_is_lost_disappears_half_way() {
        let mut lost = hop(0, None, passage(0, 1), passage(0, 0));
        (lost.request.arrives, lost.reply) = (Time::NEVER, Passage { left: Time::NEVER, arrives: Time::NEVER });
        (lost.settled, lost.outcome) = (Time(9 * MS), Err(Reason::Timeout));
        let shown = schedule(&[lost], 1_000.0);
        assert!(matches!(shown[0].leg(0.1), Some((Leg::There, way)) if way < 0.5));
        assert!(shown[0].leg(0.5).is_none());
    }
}
