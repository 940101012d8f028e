//! What outlasts the window: how it looks, and which files were open last. Each is a file in the state folder, written
//! whole or not at all. Several windows may be open: whoever writes reads first, and changes only what it has changed.

use super::app::Panels;
use super::theme::Look;
use crate::base::ron;
use crate::export::output::replace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So many files are offered.
const OFFERED: usize = 10;
/// More are remembered, because those that are missing may come back: a stick, a network.
const REMEMBERED: usize = 40;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub look: Look,
    pub panels: Panels,
    pub snaps: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { look: Look::default(), panels: Panels::default(), snaps: true }
    }
}

/// Do something while no other window does.
fn alone<T>(folder: &Path, f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let lock = fs::File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    // Others take a few milliseconds; one that was stopped in the middle is not waited for.
    for _ in 0..20 {
        if lock.try_lock().is_ok() {
            return f();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err("another window is busy with it".to_owned())
}

/// What a file holds, if there is one.
fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let damaged = |_| format!("{} is damaged and was put aside", path.display());
            ron::read::<T>(&text).into_result().map(Some).map_err(damaged)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// What a file holds; if it is damaged nothing, and it is kept beside for whoever wants to look at it.
fn read_or_put_aside<T: serde::de::DeserializeOwned + Default>(path: &Path) -> (T, Option<String>) {
    match read(path) {
        Ok(found) => (found.unwrap_or_default(), None),
        Err(problem) => {
            fs::rename(path, path.with_extension("damaged")).ok();
            (T::default(), Some(problem))
        }
    }
}

/// Keeps the settings of a window; without a folder for one time only.
pub struct Keeper {
    folder: Option<PathBuf>,
    /// As they were read or written last.
    known: Settings,
}

impl Keeper {
    /// The settings as they were left, and what was wrong with them.
    pub fn open(folder: Option<&Path>) -> (Keeper, Option<String>) {
        let (known, problem) = folder.map_or_else(Default::default, |folder| read_or_put_aside(&file(folder)));
        (Keeper { folder: folder.map(Path::to_owned), known }, problem)
    }

    pub fn known(&self) -> &Settings {
        &self.known
    }

    /// Write what has changed, if something has.
    ///
    /// # Errors
    /// Why it was not written; it is not tried again before something else has changed.
    pub fn keep(&mut self, present: &Settings) -> Result<(), String> {
        if *present == self.known {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.known, present.clone());
        let Some(folder) = &self.folder else { return Ok(()) };
        let written = alone(folder, || {
            let (theirs, _) = read_or_put_aside(&file(folder));
            let text = ron::to_pretty(&merged(&before, present, &theirs)?)?;
            replace(&file(folder), text.as_bytes())
        });
        written.map_err(|problem| format!("The settings were not kept: {problem}"))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("settings.ron")
}

/// What this window has changed, and for the rest what another one has written.
fn merged(before: &Settings, present: &Settings, theirs: &Settings) -> Result<Settings, String> {
    use serde_json::{Value, from_value, to_value};
    fn merge(before: &Value, present: Value, theirs: &Value) -> Value {
        match present {
            Value::Object(fields) => {
                let field = |(name, value): (String, Value)| {
                    let merged = merge(&before[&name], value, &theirs[&name]);
                    (name, merged)
                };
                Value::Object(fields.into_iter().map(field).collect())
            }
            present if present == *before => theirs.clone(),
            present => present,
        }
    }
    let value = |settings: &Settings| to_value(settings).map_err(|error| error.to_string());
    from_value(merge(&value(before)?, value(present)?, &value(theirs)?)).map_err(|error| error.to_string())
}

/// The files that were open last.
pub struct Recent(Option<PathBuf>);

impl Recent {
    pub fn new(folder: Option<&Path>) -> Recent {
        Recent(folder.map(Path::to_owned))
    }

    /// Those that are there, the latest first.
    pub fn files(&self) -> Vec<PathBuf> {
        let Some(folder) = &self.0 else { return Vec::new() };
        let (all, _): (Vec<String>, _) = read_or_put_aside(&recent(folder));
        all.into_iter().map(PathBuf::from).filter(|path| path.is_file()).take(OFFERED).collect()
    }

    /// This one was opened or written now.
    ///
    /// # Errors
    /// Why it was not remembered.
    pub fn add(&self, path: &Path) -> Result<(), String> {
        let Some(folder) = &self.0 else { return Ok(()) };
        let path = std::path::absolute(path).map_err(|error| error.to_string())?;
        // A name that is no text cannot be written into one.
        let Some(path) = path.to_str() else { return Ok(()) };
        alone(folder, || {
            let (mut all, _): (Vec<String>, _) = read_or_put_aside(&recent(folder));
            all.retain(|other| other != path);
            all.insert(0, path.to_owned());
            all.truncate(REMEMBERED);
            replace(&recent(folder), ron::to_pretty(&all)?.as_bytes())
        })
    }
}

fn recent(folder: &Path) -> PathBuf {
    folder.join("recent.ron")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whiteboard::theme::Name;

    #[test]
    fn two_windows_do_not_undo_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let [(mut one, _), (mut other, _)] = [(); 2].map(|()| Keeper::open(Some(folder.path())));
        let mut mine = one.known().clone();
        mine.look.name = Name::Light;
        assert_eq!(one.keep(&mine), Ok(()));
        let mut theirs = other.known().clone();
        theirs.panels.plots_height = 321.0;
        theirs.snaps = false;
        assert_eq!(other.keep(&theirs), Ok(()));
        mine.look.still = true;
        assert_eq!(one.keep(&mine), Ok(()));
        let (third, problem) = Keeper::open(Some(folder.path()));
        assert_eq!(problem, None);
        let known = third.known();
        assert_eq!((known.look.name, known.look.still, known.snaps), (Name::Light, true, false));
        assert_eq!(known.panels.plots_height, 321.0);
    }

    #[test]
    fn what_is_damaged_is_told_and_put_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(file(folder.path()), "(look: (na").expect("room");
        let (mut keeper, problem) = Keeper::open(Some(folder.path()));
        assert!(problem.is_some_and(|problem| problem.contains("damaged")));
        assert_eq!(*keeper.known(), Settings::default());
        assert_eq!(fs::read_to_string(folder.path().join("settings.damaged")).ok().as_deref(), Some("(look: (na"));
        let mut changed = keeper.known().clone();
        changed.snaps = false;
        assert_eq!(keeper.keep(&changed), Ok(()));
        assert_eq!(*Keeper::open(Some(folder.path())).0.known(), changed);
    }

    #[test]
    fn what_cannot_be_written_is_said_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut keeper, _) = Keeper::open(Some(&folder.path().join("gone")));
        let changed = Settings { snaps: false, ..Settings::default() };
        assert!(keeper.keep(&changed).is_err_and(|problem| problem.contains("were not kept")));
        assert_eq!(keeper.keep(&changed), Ok(()));
    }

    #[test]
    fn ten_files_are_offered_the_latest_first_and_none_that_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (recent, other) = (Recent::new(Some(folder.path())), Recent::new(Some(folder.path())));
        let path = |i: usize| folder.path().join(format!("{i}.ron"));
        for i in 0..14 {
            fs::write(path(i), "()").expect("room");
            let window = if i % 2 == 0 { &recent } else { &other };
            assert_eq!(window.add(&path(i)), Ok(()));
        }
        assert_eq!(recent.add(&path(7)), Ok(()));
        fs::remove_file(path(12)).expect("a file");
        let wanted: Vec<PathBuf> = [7, 13, 11, 10, 9, 8, 6, 5, 4, 3].map(path).to_vec();
        assert_eq!(other.files(), wanted);
        fs::write(path(12), "()").expect("room");
        assert_eq!(recent.files()[2], path(12), "what was missing comes back to its place");
    }
}
