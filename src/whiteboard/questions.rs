//! What is asked before something would be lost.

use crate::design::Design;
use std::path::PathBuf;

/// What is asked before something would be lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// The file changed since it was read.
    Overwrite(PathBuf),
    /// There is a file with the name that was chosen.
    Replace(PathBuf),
    /// There are changes that are not in the file.
    Discard(Next),
    /// The journal of a run of the program that did not end by itself.
    Recover(Box<Design>),
}

/// What was to be done when there were unsaved changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    New,
    Open,
    OpenPath(PathBuf),
    Quit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Save,
    Yes,
    Cancel,
}

impl Question {
    pub fn text(&self) -> String {
        match self {
            Question::Overwrite(path) => {
                format!("{} was changed by something else since it was read. Overwrite it?", path.display())
            }
            Question::Replace(path) => format!("There is a file {} already. Replace it?", path.display()),
            Question::Discard(_) => "There are changes that are not saved.".to_owned(),
            Question::Recover(design) => {
                let title = if design.title.is_empty() { "a design" } else { &design.title };
                format!("The program did not end by itself last time. Go on with {title} as it was then?")
            }
        }
    }

    /// What is asked, in a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Question::Overwrite(_) => "Overwrite the file?",
            Question::Replace(_) => "Replace the file?",
            Question::Discard(_) => "Save the changes?",
            Question::Recover(_) => "Recover unsaved work?",
        }
    }

    pub fn answers(&self) -> &'static [Answer] {
        match self {
            Question::Discard(_) => &[Answer::Save, Answer::Yes, Answer::Cancel],
            _ => &[Answer::Yes, Answer::Cancel],
        }
    }

    /// What a button says: what it does.
    pub fn word(&self, answer: Answer) -> &'static str {
        match (self, answer) {
            (_, Answer::Save) => "Save",
            (Question::Overwrite(_), Answer::Yes) => "Overwrite",
            (Question::Replace(_), Answer::Yes) => "Replace",
            (Question::Discard(_), Answer::Yes) => "Don't save",
            (Question::Recover(_), Answer::Yes) => "Recover",
            (Question::Recover(_), Answer::Cancel) => "Discard it",
            (_, Answer::Cancel) => "Cancel",
        }
    }

    /// The answer of Enter: the one that loses nothing.
    pub fn primary(&self) -> Answer {
        match self {
            Question::Overwrite(_) | Question::Replace(_) => Answer::Cancel,
            Question::Discard(_) => Answer::Save,
            Question::Recover(_) => Answer::Yes,
        }
    }

    /// The answer of Escape; none where the question can wait until the next start.
    pub fn escape(&self) -> Option<Answer> {
        (!matches!(self, Question::Recover(_))).then_some(Answer::Cancel)
    }
}
