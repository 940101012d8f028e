//! Provisional.
use crate::base::units::Count;
use crate::base::{Rng};
use serde::{Deserialize, Serialize};
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Keys { Uniform { keys: Count }, Zipf { keys: Count, exponent: f64 }, HotSet { keys: Count, hot: f64, traffic: f64 } }
impl Default for Keys { fn default() -> Self { Keys::Uniform { keys: Count(1000) } } }
impl Keys {
    pub fn problem(&self) -> Option<String> { None }
    pub fn popularity(&self) -> Popularity { match self { Keys::Uniform { keys } | Keys::Zipf { keys, .. } | Keys::HotSet { keys, .. } => Popularity { n: keys.0 as u32 } } }
}
#[derive(Clone, Debug)]
pub struct Popularity { n: u32 }
impl Popularity { pub fn draw(&self, rng: &mut Rng) -> u64 { u64::from(rng.below(self.n)) } }
