//! All the mistakes of a tree: serde stops at the first, so it is asked again, with that one out of the way, until
//! nothing is left to say.

use super::de::Node;
use super::edits::Edits;
use super::tree::Tree;
use super::{Problem, wording};
use serde::de::DeserializeOwned;

/// How many problems are reported: nobody reads more before mending some.
pub const MAX_PROBLEMS: usize = 100;

/// How often a tree is read. Beyond a pass per problem, those that only try values in place of missing ones.
const MAX_PASSES: u32 = 600;

/// Values read in all passes together, about two seconds of work: a large text gets fewer passes.
const MAX_WORK: u32 = 20_000_000;

/// Even a large text gets so many passes.
const MIN_PASSES: u32 = 20;

/// Make a value of a tree of so many values, and add what is wrong to the problems. Returns the value of what is right,
/// and whether more may be wrong than is reported.
pub(super) fn collect<T: DeserializeOwned>(tree: &Tree, values: u32, problems: &mut Vec<Problem>) -> (Option<T>, bool) {
    let passes = (MAX_WORK / values.max(1)).clamp(MIN_PASSES, MAX_PASSES);
    let mut edits = Edits::default();
    for _ in 0..passes {
        let error = match T::deserialize(Node::new(tree, &edits)) {
            Ok(_) if edits.has_stand_ins() => return (settle(tree, edits.only_removed(), passes), false),
            Ok(value) => return (Some(value), false),
            Err(error) => error,
        };
        if let Some(problem) = wording::problem(tree, &edits, &error) {
            problems.push(problem);
            if problems.len() >= MAX_PROBLEMS {
                return (None, true);
            }
        }
        if !edits.avoid(&error, true) {
            return (None, false);
        }
    }
    (None, true)
}

/// The value of what is right alone: what lacks something it needs is left out.
fn settle<T: DeserializeOwned>(tree: &Tree, mut edits: Edits, passes: u32) -> Option<T> {
    for _ in 0..passes {
        match T::deserialize(Node::new(tree, &edits)) {
            Ok(value) => return Some(value),
            Err(error) if edits.avoid(&error, false) => {}
            Err(_) => return None,
        }
    }
    None
}
