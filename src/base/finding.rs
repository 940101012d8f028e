//! What the checker says about a design: never an exception, always collected.

use std::fmt;

/// How bad a finding is. A design with an error is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Merely not finished yet, such as a node that nothing calls.
    Hint,
    /// Runs, but probably not what was meant.
    Warning,
    /// Cannot be run.
    Error,
}

/// What a finding is about: the path in the document, outermost first, such as `["nodes", "db", "replicas"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Subject(pub Vec<String>);

impl Subject {
    pub fn of<const N: usize>(path: [&str; N]) -> Self {
        Subject(path.iter().map(|s| (*s).to_owned()).collect())
    }

    /// The same subject, one step further in.
    pub fn then(&self, step: impl Into<String>) -> Self {
        let mut path = self.0.clone();
        path.push(step.into());
        Subject(path)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A problem with a design, said in the user's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable short name, such as `dangling-link`.
    pub code: &'static str,
    pub severity: Severity,
    pub subject: Subject,
    /// What is wrong.
    pub message: String,
    /// What to do about it, if that can be said.
    pub remedy: Option<String>,
}

impl Finding {
    pub fn error(code: &'static str, subject: Subject, message: impl Into<String>) -> Self {
        Finding { code, severity: Severity::Error, subject, message: message.into(), remedy: None }
    }

    pub fn hint(code: &'static str, subject: Subject, message: impl Into<String>) -> Self {
        Finding { code, severity: Severity::Hint, subject, message: message.into(), remedy: None }
    }

    pub fn warning(code: &'static str, subject: Subject, message: impl Into<String>) -> Self {
        Finding { code, severity: Severity::Warning, subject, message: message.into(), remedy: None }
    }

    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
