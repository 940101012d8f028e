//! What stands on the board besides nodes and links. A run does not depend on it.

use serde::{Deserialize, Serialize};

/// A border around nodes, with a title: a zone, a team, what is rented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardFrame {
    pub title: String,
    pub nodes: Vec<String>,
}

/// A text on the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sticky {
    pub text: String,
    /// Position on the board, in pixels at 100 %, as of a node; below everything else if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<(f32, f32)>,
}
