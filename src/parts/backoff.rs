use crate::base::{Rng, Span, Time};
#[derive(Clone, Debug, PartialEq)]
#[derive(Default)]
pub struct Backoff { pub base: Span }
impl Backoff { pub fn delay(&self, _attempt: u8, _last: Span, _rng: &mut Rng) -> Span { self.base } }
#[derive(Clone, Debug, PartialEq)]
pub struct Budget { pub ratio: f64 }
#[derive(Clone, Debug)]
pub struct BudgetState;
impl BudgetState {
    pub fn new(_: &Budget) -> Self { BudgetState }
    pub fn deposit(&mut self, _now: Time) {}
    pub fn withdraw(&mut self, _now: Time) -> bool { true }
}
