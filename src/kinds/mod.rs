//! The kinds, one file each, and the catalogue that lists them. Adding a kind is one file here, a `mod` line and a
//! catalogue line below, an icon, and a small scenario in `scenarios/kinds/`.

pub mod form;
pub mod kind;
pub mod params;
pub mod products;

mod autoscaler;
mod cache;
mod client;
mod clock;
mod database;
mod life;
mod load_balancer;
mod queue;
mod rate_limiter;
mod service;
mod sharded_store;
mod station;
#[cfg(test)]
mod testing;
mod worker;

pub use client::LEAST_CYCLE_FAILED;
pub use form::{Body, Form};
pub use kind::{Checker, Group, Handle, Kind, Meta, Outs};
pub use params::{Param, Section, Value, Visitor};
pub use queue::UNKNOWN_CONCURRENCY;

use crate::base::{Dist, Finding, Subject};
use crate::engine::{Again, Aim, Behaviour, CallId, Child, Control, Copies, Ctx, Reply, Stage};
use serde::{Deserialize, Serialize};

/// From the one list: the enums of specs and states, and every function that is a match over kinds.
macro_rules! catalogue {
    ($($variant:ident = $state:ty),* $(,)?) => {
        /// A kind with its parameters.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Spec {
            $($variant(<$state as Kind>::Spec),)*
        }

        /// The state of a running node.
        #[derive(Clone)]
        pub enum State {
            /// Before the run began.
            Waiting(Box<Spec>),
            $($variant(Box<$state>),)*
        }

        /// Every kind, in the order of the palette.
        pub const KINDS: &[Meta] = &[$(<$state as Kind>::META),*];

        impl Spec {
            /// A spec of the kind with this key, with its defaults.
            pub fn new(key: &str) -> Option<Spec> {
                $(if key == <$state as Kind>::META.key {
                    return Some(Spec::$variant(Default::default()));
                })*
                None
            }

            pub fn meta(&self) -> &'static Meta {
                match self {
                    $(Spec::$variant(_) => &<$state as Kind>::META,)*
                }
            }

            /// Look at or change each parameter in turn.
            pub fn visit(&mut self, visitor: &mut dyn Visitor) {
                match self {
                    $(Spec::$variant(spec) => <$state>::params(spec, visitor),)*
                }
            }

            fn check_kind(&self, checker: &mut Checker) {
                match self {
                    $(Spec::$variant(spec) => <$state>::check(spec, checker),)*
                }
            }

            /// The request classes that it issues.
            pub fn classes(&self) -> Vec<String> {
                match self {
                    $(Spec::$variant(spec) => <$state>::classes(spec),)*
                }
            }

            /// The request classes that its parameters speak of, each with its parameter.
            pub fn speaks_of(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Spec::$variant(spec) => <$state>::speaks_of(spec),)*
                }
            }

            /// Whether anything takes time at it, which a `Slow` could stretch.
            pub fn takes_time(&self) -> bool {
                match self {
                    $(Spec::$variant(spec) => <$state>::takes_time(spec),)*
                }
            }

            /// Whether it changes over time by itself, so that there is no steady state.
            pub fn is_transient(&self) -> bool {
                match self {
                    $(Spec::$variant(spec) => <$state>::is_transient(spec),)*
                }
            }

            fn start(&self, ctx: &mut Ctx) -> State {
                match self {
                    $(Spec::$variant(spec) => State::$variant(Box::new(<$state>::start(spec, ctx))),)*
                }
            }
        }

        impl Behaviour for State {
            type Patch = Spec;

            fn start(&mut self, ctx: &mut Ctx) {
                if let State::Waiting(spec) = self {
                    *self = spec.start(ctx);
                }
            }
            #[inline]
            fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_call(ctx, id),)*
                }
            }
            // Kinds keep theirs out of line, so that the way to any of them needs no room on the stack.
            #[inline]
            fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_reply(ctx, child),)*
                }
            }
            fn on_attempt(&mut self, ctx: &mut Ctx, attempt: &Child) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_attempt(ctx, attempt),)*
                }
            }
            fn gauges(&self) -> Vec<f64> {
                match self {
                    State::Waiting(_) => Vec::new(),
                    $(State::$variant(state) => state.gauges(),)*
                }
            }
            fn on_unheard(&mut self, ctx: &mut Ctx, done: &Child) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_unheard(ctx, done),)*
                }
            }
            fn pick_again(&mut self, ctx: &mut Ctx, again: &Again) -> Aim {
                match self {
                    State::Waiting(_) => again.first,
                    $(State::$variant(state) => state.pick_again(ctx, again),)*
                }
            }
            #[inline(always)]
            fn on_steps_done(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_steps_done(ctx, id, reply),)*
                }
            }
            #[inline]
            fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_timer(ctx, token),)*
                }
            }
            #[inline]
            fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, token: u8) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_call_timer(ctx, id, token),)*
                }
            }
            fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_cancel(ctx, id),)*
                }
            }
            fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
                match self {
                    State::Waiting(_) => {}
                    $(State::$variant(state) => state.on_control(ctx, control),)*
                }
            }
            fn retune(&mut self, ctx: &mut Ctx, patch: &Spec) {
                match (self, patch) {
                    $((State::$variant(state), Spec::$variant(spec)) => state.retune(spec, ctx),)*
                    _ => debug_assert!(false, "a patch of another kind"),
                }
            }
        }

        impl State {
            /// Levels worth showing that the engine's meters do not keep.
            /// What each replica is doing, where the kind knows more than the engine.
            pub fn stages(&self) -> Vec<Option<Stage>> {
                match self {
                    State::Waiting(_) => Vec::new(),
                    $(State::$variant(state) => state.stages(),)*
                }
            }

            /// Calls that each shard has taken.
            pub fn loads(&self) -> &[u64] {
                match self {
                    State::Waiting(_) => &[],
                    $(State::$variant(state) => state.loads(),)*
                }
            }
        }
    };
}

catalogue! {
    Client = client::Client,
    LoadBalancer = load_balancer::LoadBalancer,
    RateLimiter = rate_limiter::RateLimiter,
    Service = service::Service,
    Cache = cache::Cache,
    ShardedStore = sharded_store::ShardedStore,
    Database = database::Database,
    Queue = queue::Queue,
    Worker = worker::Worker,
    Autoscaler = autoscaler::Autoscaler,
}

impl Spec {
    /// What stands for a parameter in a file.
    fn text(&self, name: &str) -> Option<String> {
        let mut found = None;
        self.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
            if param.name == name {
                found = Some(value.text());
            }
        });
        found
    }

    /// A number that may be absent.
    fn number(&self, name: &str) -> Option<f64> {
        let text = self.text(name)?;
        let inner = text.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(&text);
        params::magnitude(&inner.replace('_', ""))
    }

    /// How many copies there are, and what they are; none where there can be no more than one.
    pub fn copies(&self) -> Option<(u64, Copies)> {
        let copies = self.meta().copies?;
        Some((self.number(copies.count)? as u64, copies))
    }

    /// How many may wait at each copy: none where nothing can wait, and nothing in it where there is no limit.
    pub fn waiting_room(&self) -> Option<Option<f64>> {
        Some(self.number(self.meta().waiting_room?))
    }

    /// Whether its copies may stand still or break down by chance.
    pub fn is_frail(&self) -> bool {
        self.meta().chances.iter().any(|param| self.text(param).is_some_and(|text| text != "None"))
    }

    /// Everything that is wrong with the parameters.
    pub fn check(&self, subject: &Subject) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut copy = self.clone();
        copy.visit(&mut |param: &Param, value: &mut dyn Value| {
            if let Some(problem) = params::out_of_range(param, value) {
                findings.push(Finding::error("out-of-range", subject.then(param.name), problem));
            }
        });
        self.check_kind(&mut Checker { subject: subject.clone(), findings: &mut findings });
        findings
    }

    /// Set one parameter from text.
    ///
    /// # Errors
    /// If there is no such parameter (with the names there are), or the text does not fit it.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let (mut result, mut names) = (None, Vec::new());
        self.visit(&mut |param: &Param, value: &mut dyn Value| {
            names.push(param.name);
            if param.name == name {
                result = Some(value.set(text));
            }
        });
        result.unwrap_or_else(|| {
            Err(format!("{} has no parameter `{name}`: it has {}", self.meta().key, names.join(", ")))
        })
    }

    /// How long the users of a closed loop think between an answer and the next request, if it has such users.
    pub fn think(&self) -> Option<&Dist> {
        match self {
            Spec::Client(client) => client.arrivals.think(),
            _ => None,
        }
    }

    /// Calls that each replica works on at once, where that is a number.
    pub fn concurrency(&self) -> Option<u32> {
        match self {
            Spec::Service(spec) => Some(spec.station().concurrency()),
            Spec::Worker(spec) => Some(spec.concurrency),
            Spec::Database(spec) => Some(spec.connections),
            Spec::ShardedStore(spec) => Some(spec.slots),
            _ => None,
        }
    }

    /// A state that starts when the run does.
    pub fn state(&self) -> State {
        State::Waiting(Box::new(self.clone()))
    }
}

/// The kind with this key.
pub fn meta(key: &str) -> Option<&'static Meta> {
    KINDS.iter().find(|meta| meta.key == key)
}
