//! What is wrong with the design, and what can be done about it at once.

use crate::base::Finding;
use crate::design::{Design, checks};
use crate::editor::{Fix, remedy};
use std::sync::Arc;

pub struct Findings {
    /// The design that they are about.
    pub of: Arc<Design>,
    pub all: Vec<Finding>,
    /// What can be done about each of them.
    pub fixes: Vec<Option<Fix>>,
}

impl Findings {
    /// For so many it is found out whether something can be done: each takes as long as a check of the whole design.
    const MOST_FIXES: usize = 20;

    pub fn of(design: &Arc<Design>) -> Findings {
        let all = checks::check(design);
        let fix = |(i, finding)| (i < Findings::MOST_FIXES).then(|| remedy(design, &all, finding)).flatten();
        let fixes = all.iter().enumerate().map(fix).collect();
        Findings { of: design.clone(), all, fixes }
    }
}
