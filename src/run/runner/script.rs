//! What a runner plays: the design as last given, and what was done since.

use crate::base::{Finding, Severity, Span, Time};
use crate::design::{Action, Design, Intervention, checks};
use crate::run::{Change, Run, change};
use std::sync::Arc;

/// Interventions by hand, and live edits, of one run: a person does not get there, a program that turns a knob at every
/// frame does in a few seconds.
const MOST: usize = 250;

/// Something done by hand.
struct ByHand {
    intervention: Intervention,
    /// It was on the timeline of a design that was given since: there it stays, or it is taken away.
    taken: bool,
}

pub struct Script {
    /// As last given, if it could be run.
    document: Arc<Design>,
    /// The one before the live edits: where the run began.
    origin: Arc<Design>,
    /// Live parameters that were edited since.
    edits: Vec<Intervention>,
    by_hand: Vec<ByHand>,
    /// Asked for by themselves, until the design says something else.
    seed: Option<u64>,
    length: Option<Span>,
    /// All of this together: what is run.
    design: Arc<Design>,
    interventions: Arc<[Intervention]>,
    /// Why the design as last given cannot be run, if it cannot.
    unsound: Option<String>,
}

/// The first error of a design, in one line.
pub fn first_error(findings: &[Finding]) -> Option<String> {
    let error = findings.iter().find(|finding| finding.severity == Severity::Error)?;
    let remedy = error.remedy.as_ref().map_or(String::new(), |remedy| format!("; {remedy}"));
    Some(format!("{}: {}{remedy}", error.subject, error.message))
}

fn check(design: &Design) -> Result<(), String> {
    first_error(&checks::check(design)).map_or(Ok(()), Err)
}

impl Script {
    pub fn new(design: Arc<Design>) -> Script {
        Script {
            document: Arc::clone(&design),
            origin: Arc::clone(&design),
            edits: Vec::new(),
            by_hand: Vec::new(),
            seed: None,
            length: None,
            design,
            interventions: Arc::new([]),
            unsound: None,
        }
    }

    /// What is run.
    pub fn design(&self) -> &Arc<Design> {
        &self.design
    }

    /// What was done by hand.
    pub fn interventions(&self) -> &Arc<[Intervention]> {
        &self.interventions
    }

    /// Why the design as last given cannot be run, if it cannot.
    pub fn unsound(&self) -> Option<&String> {
        self.unsound.as_ref()
    }

    /// Forget what was done; a seed that is given counts until the design has another one.
    pub fn restart(&mut self, seed: Option<u64>) {
        self.seed = seed.or(self.seed);
        self.by_hand.clear();
        self.interventions = Arc::new([]);
    }

    /// Let the run be of another length.
    ///
    /// # Errors
    /// If there is no such run.
    pub fn set_length(&mut self, length: Span) -> Result<(), String> {
        let before = self.length.replace(length);
        check(&self.in_use(&self.document)).inspect_err(|_| self.length = before)
    }

    /// A run from the beginning. Live parameters are as they are now; what was done by hand is done again.
    ///
    /// # Errors
    /// If the design cannot be run.
    pub fn begin(&mut self) -> Result<Run, String> {
        self.origin = Arc::clone(&self.document);
        self.edits.clear();
        let document = &self.document;
        let still_means_something = |done: &ByHand| {
            done.taken || check(&Design { timeline: vec![done.intervention.clone()], ..(**document).clone() }).is_ok()
        };
        self.by_hand.retain(still_means_something);
        // Each by itself would do, but not all of them together; or the length does not fit the new warm-up.
        if check(&self.written()).is_err() {
            self.by_hand.retain(|done| done.taken);
            self.length = self.length.filter(|_| check(&self.in_use(&self.document)).is_ok());
        }
        let design = self.written();
        let run = Run::new(&design).map_err(|findings| first_error(&findings).unwrap_or_default())?;
        self.design = Arc::new(design);
        Ok(run.with_small_windows())
    }

    /// Do something at an instant that is still to come.
    ///
    /// # Errors
    /// If that cannot be done to this design.
    pub fn intervene(
        &mut self,
        at: Time,
        action: Action,
        lasting: Option<Span>,
        ramp: Option<Span>,
    ) -> Result<(), String> {
        if self.by_hand.len() >= MOST {
            return Err(format!("{MOST} interventions by hand are the most in one run: restart it"));
        }
        let intervention = Intervention { at: Span(at.0), lasting, ramp, action };
        self.by_hand.push(ByHand { intervention: intervention.clone(), taken: false });
        let design = self.written();
        if let Err(problem) = check(&design) {
            self.by_hand.pop();
            return Err(problem);
        }
        self.design = Arc::new(design);
        self.interventions = self.interventions.iter().cloned().chain([intervention]).collect();
        Ok(())
    }

    /// Another design is given. Returns whether the run can go on with what is on its timeline from now on; live
    /// parameters are set at `at`.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn replace(&mut self, document: Arc<Design>, at: Option<Time>) -> Result<bool, String> {
        self.unsound = check(&document).err().map(|problem| format!("this design cannot be run: {problem}"));
        if let Some(problem) = self.unsound.clone() {
            return Err(problem);
        }
        self.take_over(&document);
        let before = self.in_use(&self.document);
        if document.seed != self.document.seed {
            self.seed = None;
        }
        if document.run.length != self.document.run.length {
            self.length = None;
        }
        let change = change(&before, &self.in_use(&document));
        self.document = document;
        match (change, at) {
            (Change::Structural, _) | (Change::Live(_), None) => return Ok(false),
            (Change::Live(settings), Some(at)) => {
                if self.edits.len() + settings.len() > MOST {
                    return Ok(false);
                }
                let edit = |(path, text)| Intervention {
                    at: Span(at.0),
                    lasting: None,
                    ramp: None,
                    action: Action::Set(path, text),
                };
                self.edits.extend(settings.into_iter().map(edit));
            }
            (Change::Cosmetic, _) => {}
        }
        let design = self.written();
        let goes_on = check(&design).is_ok();
        if goes_on {
            self.design = Arc::new(design);
        }
        Ok(goes_on)
    }

    /// What was done by hand and is on the timeline of this design is no longer kept here.
    pub fn take_over(&mut self, document: &Design) {
        for done in &mut self.by_hand {
            done.taken |= document.timeline.contains(&done.intervention);
        }
    }

    /// With the seed and length that were asked for.
    fn in_use(&self, document: &Design) -> Design {
        let mut design = document.clone();
        design.seed = self.seed.unwrap_or(design.seed);
        design.run.length = self.length.unwrap_or(design.run.length);
        design
    }

    /// The design from which a run without a window gives the same numbers.
    fn written(&self) -> Design {
        let mut design = self.in_use(&self.document);
        if !self.edits.is_empty() {
            for (node, origin) in design.nodes.values_mut().zip(self.origin.nodes.values()) {
                node.kind.clone_from(&origin.kind);
            }
            design.links.clone_from(&self.origin.links);
        }
        let by_hand = self.by_hand.iter().filter(|done| !done.taken).map(|done| done.intervention.clone());
        design.timeline.extend(by_hand);
        design.timeline.extend(self.edits.iter().cloned());
        design
    }
}
