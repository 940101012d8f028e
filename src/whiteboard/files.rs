//! Files: opening, saving, and a journal from which the work comes back after a crash.

pub use super::questions::{Answer, Next, Question};

use super::settings::Recent;
use crate::design::Design;
use crate::editor::{Editor, WindowAction};
use crate::export::output::{self, replace};
use crate::scenario::{self, Edited, source};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// What is being drawn is written to the journal this often, in seconds; what was committed, at once.
const EVERY: f64 = 1.5;
/// A dialog that comes back empty sooner than this was not there: there is no portal to show one.
const NO_DIALOG: f64 = 0.4;

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Open,
    SaveAs,
}

impl Purpose {
    pub fn title(self) -> &'static str {
        match self {
            Purpose::Open => "Open a scenario or a picture",
            Purpose::SaveAs => "Save as",
        }
    }
}

/// What to do where a file is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacing {
    Ask,
    /// The system's dialog has asked.
    Agreed,
}

/// What came of it.
pub enum Done {
    Nothing,
    Opened(Box<Design>),
    /// The same, but it is in no file.
    Recovered(Box<Design>),
    AskPath(Purpose),
    Ask(Question),
    Said(String),
    Quit,
}

type Answered = Result<Done, String>;

pub struct Files {
    path: Option<PathBuf>,
    /// The text of the file as it was read or written last.
    known: Option<String>,
    state: Option<PathBuf>,
    pub recent: Recent,
    journal: Option<PathBuf>,
    /// Held as long as this program is there.
    _lock: Option<fs::File>,
    /// The journal of a program that did not end by itself.
    left: Option<PathBuf>,
    journaled: Option<Arc<Design>>,
    journaled_at: f64,
    dialog: Option<(Purpose, Receiver<Option<PathBuf>>, f64)>,
    problem: Option<String>,
    /// The design whose unsaved changes may be thrown away.
    agreed: Option<Arc<Design>>,
    /// What follows when the design has been saved.
    then: Option<Next>,
    /// Text for the clipboard, and whether its text is wanted.
    pub copy: Option<String>,
    /// Whether links to what is not copied are to be kept, where a paste is wanted.
    pub wants_paste: Option<bool>,
}

impl Files {
    /// With the file that is edited, and the folder for the journal; without one nothing is kept.
    pub fn new(path: Option<PathBuf>, known: Option<String>, state: Option<&Path>) -> Files {
        let mut problem = None;
        let folder = state.filter(|folder| match fs::create_dir_all(folder) {
            Ok(()) => true,
            Err(error) => {
                problem = Some(not_kept(folder, &error));
                false
            }
        });
        let left = folder.and_then(orphan);
        let journal = folder.map(journal);
        let lock = journal.as_ref().and_then(|journal| {
            let lock = fs::File::create(journal.with_extension("lock"));
            lock.inspect_err(|error| problem = Some(not_kept(journal, error))).ok()
        });
        let lock = lock.filter(|lock| lock.try_lock().is_ok());
        Files {
            path,
            known,
            state: folder.map(Path::to_owned),
            recent: Recent::new(folder),
            journal,
            _lock: lock,
            left,
            journaled: None,
            journaled_at: 0.0,
            dialog: None,
            problem,
            agreed: None,
            then: None,
            copy: None,
            wants_paste: None,
        }
    }

    /// The folder in which this system keeps such things.
    pub fn state_folder() -> Option<PathBuf> {
        let all = directories::ProjectDirs::from("", "", "tailboard")?;
        Some(all.state_dir().unwrap_or(all.data_local_dir()).to_owned())
    }

    /// Where what outlasts the window is kept.
    pub fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    pub fn name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name);
        name.map_or("not saved yet".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    pub fn place(&self) -> String {
        self.path.as_ref().map_or("This design has no file yet".to_owned(), |path| path.display().to_string())
    }

    /// Where a picture of the design would lie.
    pub fn picture(&self, extension: &str) -> String {
        let path = self.path.clone().unwrap_or_else(|| PathBuf::from("tailboard.ron"));
        path.with_extension(extension).display().to_string()
    }

    /// Whether this is the file that is edited, by whatever name.
    pub fn is_at(&self, path: &Path) -> bool {
        self.path.as_deref().is_some_and(|own| output::is_same(own, path))
    }

    /// What went wrong in the background, once.
    pub fn take_problem(&mut self) -> Option<String> {
        self.problem.take()
    }

    /// What is left in the journal of a program that did not end by itself.
    pub fn left_over(&self) -> Option<Design> {
        let text = fs::read_to_string(self.left.as_ref()?).ok()?;
        scenario::read_str(&text).drawing
    }

    /// Write what is being drawn to the journal, if it is due; or say in how many seconds it is.
    pub fn keep(&mut self, editor: &Editor, now: f64) -> Option<f64> {
        let journal = self.journal.as_ref()?;
        let design = editor.shown();
        if !editor.is_changed() && Arc::ptr_eq(design, editor.design()) {
            if self.journaled.take().is_some() {
                // All is in the file.
                fs::remove_file(journal).ok();
            }
            return None;
        }
        if self.journaled.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, design)) {
            return None;
        }
        let due = self.journaled_at + if editor.is_busy() { EVERY } else { 0.0 };
        if now < due {
            return Some(due - now);
        }
        let written = scenario::write_str(design).and_then(|text| replace(journal, text.as_bytes()));
        if let Err(problem) = written {
            self.problem = Some(format!("The work is not being kept in case of a crash: {problem}"));
            // Not at every frame, but again: the disk may have room later.
            self.journaled_at = now + 10.0;
            return None;
        }
        self.journaled = Some(design.clone());
        self.journaled_at = now;
        None
    }

    /// The program is ended from outside: what is not saved stays in the journal, for the next start.
    pub fn leave(&mut self, editor: &Editor) {
        // Now, whenever it would be due.
        self.keep(editor, f64::INFINITY);
        if let Some(journal) = &self.journal {
            fs::remove_file(journal.with_extension("lock")).ok();
        }
    }

    /// The program ends, and all that is to be kept is kept.
    pub fn close(&self) {
        if let Some(journal) = &self.journal {
            fs::remove_file(journal).ok();
            fs::remove_file(journal.with_extension("lock")).ok();
        }
    }

    pub fn act(&mut self, action: WindowAction, editor: &mut Editor) -> Answered {
        self.then = None;
        let next = match action {
            WindowAction::Save => return self.save(editor),
            WindowAction::SaveAs => return Ok(self.ask(Purpose::SaveAs)),
            WindowAction::New => Next::New,
            WindowAction::Quit => Next::Quit,
            _ => Next::Open,
        };
        self.unless_changed(next, editor)
    }

    /// A file was dropped on the window, or chosen among the recent ones.
    pub fn open_path(&mut self, path: PathBuf, editor: &mut Editor) -> Answered {
        self.unless_changed(Next::OpenPath(path), editor)
    }

    fn unless_changed(&mut self, next: Next, editor: &mut Editor) -> Answered {
        if editor.is_changed() { Ok(Done::Ask(Question::Discard(next))) } else { self.go_on(&next) }
    }

    fn go_on(&mut self, next: &Next) -> Answered {
        match next {
            Next::New => {
                (self.path, self.known) = (None, None);
                Ok(Done::Opened(Box::default()))
            }
            Next::Open => Ok(self.ask(Purpose::Open)),
            Next::OpenPath(path) => self.open(path),
            Next::Quit => Ok(Done::Quit),
        }
    }

    pub fn answer(&mut self, question: &Question, answer: Answer, editor: &mut Editor) -> Answered {
        match (question, answer) {
            (Question::Recover(_), Answer::Cancel) => {
                if let Some(left) = self.left.take() {
                    fs::remove_file(left.with_extension("lock")).ok();
                    fs::remove_file(left).ok();
                }
                Ok(Done::Nothing)
            }
            (_, Answer::Cancel) => {
                self.then = None;
                Ok(Done::Nothing)
            }
            (Question::Overwrite(path) | Question::Replace(path), _) => self.write(&path.clone(), editor),
            (Question::Discard(next), Answer::Save) => {
                self.then = Some(next.clone());
                self.save(editor)
            }
            (Question::Discard(next), _) => {
                self.agreed = Some(editor.design().clone());
                self.go_on(next)
            }
            (Question::Recover(design), _) => {
                // It belongs to no file until it is saved to one; this program's own journal takes over.
                (self.path, self.known) = (None, None);
                if let (Some(left), Some(journal)) = (self.left.take(), &self.journal) {
                    fs::remove_file(left.with_extension("lock")).ok();
                    fs::rename(left, journal).ok();
                }
                Ok(Done::Recovered(design.clone()))
            }
        }
    }

    /// Let the system ask for a path. The answer comes by [`Files::poll`].
    fn ask(&mut self, purpose: Purpose) -> Done {
        if self.dialog.is_some() {
            return Done::Nothing;
        }
        let (tell, told) = channel();
        let folder = self.path.as_deref().and_then(Path::parent).map(Path::to_owned);
        let name = self.path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let ask = move || {
            let mut dialog = rfd::FileDialog::new().set_title(purpose.title());
            if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
                dialog = dialog.set_directory(folder);
            }
            let path = match purpose {
                Purpose::Open => dialog.add_filter("Scenarios and pictures", &["ron", "png", "svg"]).pick_file(),
                Purpose::SaveAs => dialog.set_file_name(name.unwrap_or("design.ron".to_owned())).save_file(),
            };
            // Nobody is left to be told when the window has gone.
            tell.send(path).ok();
        };
        if std::thread::Builder::new().name("dialog".to_owned()).spawn(ask).is_err() {
            return Done::AskPath(purpose);
        }
        self.dialog = Some((purpose, told, f64::NAN));
        Done::Nothing
    }

    /// What a dialog has answered.
    pub fn poll(&mut self, editor: &mut Editor, now: f64) -> Answered {
        let Some((purpose, told, since)) = &mut self.dialog else { return Ok(Done::Nothing) };
        if since.is_nan() {
            *since = now;
        }
        let path = match told.try_recv() {
            Ok(path) => path,
            Err(TryRecvError::Empty) => return Ok(Done::Nothing),
            // The dialog has failed altogether.
            Err(TryRecvError::Disconnected) => None,
        };
        let (purpose, at_once) = (*purpose, now - *since < NO_DIALOG);
        self.dialog = None;
        match path {
            Some(path) => self.with_path(purpose, &path, Replacing::Agreed, editor),
            None if at_once => Ok(Done::AskPath(purpose)),
            None => {
                self.then = None;
                Ok(Done::Nothing)
            }
        }
    }

    /// Whether a dialog is open.
    pub fn waits(&self) -> bool {
        self.dialog.is_some()
    }

    /// Open what was chosen, or save there.
    pub fn with_path(&mut self, purpose: Purpose, path: &Path, replacing: Replacing, editor: &mut Editor) -> Answered {
        let path = path.to_owned();
        match purpose {
            // What was done while the dialog was open is not to be lost either.
            Purpose::Open if self.agreed.take().is_some_and(|design| Arc::ptr_eq(&design, editor.design())) => {
                self.open(&path)
            }
            Purpose::Open => self.unless_changed(Next::OpenPath(path), editor),
            Purpose::SaveAs => {
                let is_ron = path.extension().is_some_and(|extension| extension == "ron");
                let path = if is_ron { path } else { path.with_extension("ron") };
                if self.path.as_ref() == Some(&path) {
                    return self.save(editor);
                }
                // What was agreed to be replaced is not what it would be called.
                let agreed = is_ron && replacing == Replacing::Agreed;
                if path.exists() && !agreed {
                    return Ok(Done::Ask(Question::Replace(path)));
                }
                self.write(&path, editor)
            }
        }
    }

    /// The file that was named when the program was started.
    ///
    /// # Errors
    /// What is wrong with it, in a line.
    pub fn open_first(&mut self, path: &Path) -> Result<Design, String> {
        match self.open(path)? {
            Done::Opened(design) => Ok(*design),
            _ => Ok(Design::default()),
        }
    }

    fn open(&mut self, path: &Path) -> Answered {
        let source = source::load(path).map_err(|error| error.to_string())?;
        let scenario = scenario::read_str(&source.text);
        let Some(design) = scenario.drawing else {
            let first = scenario.diagnostics.first().map_or(String::new(), |diagnostic| diagnostic.message.clone());
            return Err(format!("{} cannot be read: {first}", path.display()));
        };
        // A picture is not what is saved to.
        let is_text = path.extension().is_some_and(|extension| extension == "ron");
        self.path = Some(path.to_owned()).filter(|_| is_text);
        self.known = Some(source.text).filter(|_| is_text);
        self.remember(path);
        Ok(Done::Opened(Box::new(design)))
    }

    /// It is one of the recent files; if that cannot be kept, nothing is lost but the entry.
    fn remember(&mut self, path: &Path) {
        if let Err(problem) = self.recent.add(path) {
            self.problem = Some(format!("It is not among the recent files: {problem}"));
        }
    }

    fn save(&mut self, editor: &mut Editor) -> Answered {
        let Some(path) = self.path.clone() else { return Ok(self.ask(Purpose::SaveAs)) };
        let is_known = match fs::read(&path) {
            Ok(bytes) => self.known.as_ref().is_some_and(|known| known.as_bytes() == bytes),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if !is_known {
            return Ok(Done::Ask(Question::Overwrite(path)));
        }
        self.write(&path, editor)
    }

    fn write(&mut self, path: &Path, editor: &mut Editor) -> Answered {
        let design = editor.design().clone();
        let not_saved = |problem: String| format!("The design was not saved: {problem}");
        let edited = match &self.known {
            Some(known) => scenario::edit_str(known, &design),
            None => scenario::write_str(&design).map(|text| Edited { text: text + "\n", is_kept: true }),
        };
        let Edited { text, is_kept } = edited.map_err(not_saved)?;
        replace(path, text.as_bytes()).map_err(not_saved)?;
        editor.mark_saved(&design);
        (self.path, self.known) = (Some(path.to_owned()), Some(text));
        self.remember(path);
        match self.then.take() {
            Some(next) => self.go_on(&next),
            None if is_kept => Ok(Done::Said(format!("Saved {}", path.display()))),
            None => Ok(Done::Said(format!("Saved {}, all of it written anew: comments are gone", path.display()))),
        }
    }
}

fn not_kept(place: &Path, error: &std::io::Error) -> String {
    format!("Unsaved work is not kept in case of a crash: {}: {error}", place.display())
}

/// The journal of this program: never one that another of the same number has left.
fn journal(folder: &Path) -> PathBuf {
    let number = std::process::id();
    let usual = folder.join(format!("journal-{number}.ron"));
    let more = (2..100).map(|n| folder.join(format!("journal-{number}-{n}.ron")));
    std::iter::once(usual.clone()).chain(more).find(|path| !path.exists()).unwrap_or(usual)
}

/// The journal of a program that is no longer there: nobody holds its lock, which the system takes from whoever ends.
/// Locks that are left without a journal are removed.
fn orphan(folder: &Path) -> Option<PathBuf> {
    let is_free = |lock: &Path| fs::File::open(lock).map_or(true, |lock| lock.try_lock().is_ok());
    let all = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let of_journal =
        all.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("journal-")));
    let mut left = None;
    for path in of_journal {
        match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("ron") if is_free(&path.with_extension("lock")) => left = left.into_iter().chain([path]).min(),
            Some("lock") if !path.with_extension("ron").exists() && is_free(&path) => drop(fs::remove_file(&path)),
            _ => {}
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::Edit;

    fn editor() -> Editor {
        let mut editor = Editor::new(Design::default());
        editor.insert("cache", (100.0, 100.0), None).expect("a kind");
        editor
    }

    #[test]
    fn a_file_that_changed_on_disk_is_not_overwritten_unasked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("design.ron");
        let (mut files, mut editor) = (Files::new(Some(path.clone()), None, None), editor());
        assert!(matches!(files.act(WindowAction::Save, &mut editor), Ok(Done::Said(_))));
        assert!(!editor.is_changed());
        editor.edit(&Edit::SetTitle("mine".to_owned())).expect("a title");
        fs::write(&path, "(title: \"theirs\")").expect("room");
        let Ok(Done::Ask(question)) = files.act(WindowAction::Save, &mut editor) else { panic!("overwritten") };
        assert!(fs::read_to_string(&path).expect("a file").contains("theirs"));
        assert!(matches!(files.answer(&question, Answer::Yes, &mut editor), Ok(Done::Said(_))));
        assert!(fs::read_to_string(&path).expect("a file").contains("mine"));
    }

    #[test]
    fn the_journal_outlives_a_crash_and_not_a_save() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut editor = editor();
        let mut files = Files::new(Some(folder.path().join("design.ron")), None, Some(folder.path()));
        files.keep(&editor, 1.0);
        let journal = folder.path().join(format!("journal-{}.ron", std::process::id()));
        assert_eq!(orphan(folder.path()), None, "its program is there");
        // The journal of one that is gone, under a number that no process has: the next one finds what was drawn.
        let orphaned = folder.path().join("journal-4194999.ron");
        fs::copy(&journal, &orphaned).expect("a journal");
        let mut next = Files::new(None, None, Some(folder.path()));
        let left = next.left_over().expect("what was drawn");
        assert_eq!(left.nodes, editor.design().nodes);
        let question = Question::Recover(Box::new(left));
        let Ok(Done::Recovered(design)) = next.answer(&question, Answer::Yes, &mut editor) else {
            panic!("not recovered")
        };
        assert_eq!(design.nodes, editor.design().nodes);
        assert!(!orphaned.exists() && journal.exists(), "it is kept until it is saved");
        assert!(matches!(files.act(WindowAction::Save, &mut editor), Ok(Done::Said(_))));
        files.keep(&editor, 2.0);
        assert!(!journal.exists());
    }

    #[test]
    fn a_lock_that_was_left_is_removed_and_a_journal_with_it_is_offered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for name in ["journal-4194998.lock", "journal-4194999.lock"] {
            fs::write(path(name), "").expect("room");
        }
        let text = scenario::write_str(editor().design()).expect("text");
        fs::write(path("journal-4194999.ron"), &text).expect("room");
        // Of one that had this program's own number.
        let mine = path(&format!("journal-{}.ron", std::process::id()));
        fs::write(&mine, &text).expect("room");
        let mut files = Files::new(None, None, Some(folder.path()));
        assert_eq!(files.take_problem(), None);
        assert!(!path("journal-4194998.lock").exists());
        assert_eq!(files.left_over().map(|design| design.nodes.len()), Some(1));
        let mut editor = editor();
        files.leave(&editor);
        assert!(mine.exists() && !mine.with_extension("lock").exists());
        // What is not saved outlives an end from outside, and its lock does not.
        editor.edit(&Edit::SetTitle("mine".to_owned())).expect("a title");
        let left = fs::read_dir(folder.path()).expect("a folder").filter_map(Result::ok);
        let locks = left.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "lock"));
        assert_eq!(locks.count(), 1, "that of the other journal");
    }

    #[test]
    fn a_folder_that_cannot_be_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("room");
        let mut files = Files::new(None, None, Some(&file.join("state")));
        let problem = files.take_problem().expect("a problem");
        assert!(problem.contains("is not kept") && problem.contains("state"), "{problem}");
        assert_eq!(files.keep(&editor(), 1.0), None);
    }

    #[test]
    fn a_save_that_fails_says_so_and_loses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing/design.ron");
        let (mut files, mut editor) = (Files::new(Some(path), None, None), editor());
        let Err(problem) = files.act(WindowAction::Save, &mut editor) else { panic!("saved nowhere") };
        assert!(problem.contains("was not saved"), "{problem}");
        assert!(editor.is_changed());
    }

    #[test]
    fn what_was_to_follow_a_save_follows_wherever_it_is_saved_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut files, mut editor) = (Files::new(None, None, None), editor());
        let save = |files: &mut Files, name: &str, replacing, editor: &mut Editor| {
            files.with_path(Purpose::SaveAs, &folder.path().join(name), replacing, editor)
        };
        let first = |files: &mut Files, editor: &mut Editor| {
            files.then = Some(Next::Quit);
            save(files, "a.ron", Replacing::Ask, editor)
        };
        assert!(matches!(first(&mut files, &mut editor), Ok(Done::Quit)));
        // Another design, to a name that is taken: asked once, by whoever was there first.
        let mut files = Files::new(None, None, None);
        let Ok(Done::Ask(question)) = first(&mut files, &mut editor) else { panic!("replaced unasked") };
        assert!(question.text().contains("already"));
        assert!(matches!(files.answer(&question, Answer::Yes, &mut editor), Ok(Done::Quit)));
        let mut files = Files::new(None, None, None);
        assert!(matches!(save(&mut files, "a.ron", Replacing::Agreed, &mut editor), Ok(Done::Said(_))));
        let mut files = Files::new(None, None, None);
        assert!(
            matches!(save(&mut files, "a", Replacing::Agreed, &mut editor), Ok(Done::Ask(_))),
            "a.ron was not agreed"
        );
        // A refusal is the end of it.
        let Ok(Done::Ask(question)) = first(&mut files, &mut editor) else { panic!("replaced unasked") };
        assert!(matches!(files.answer(&question, Answer::Cancel, &mut editor), Ok(Done::Nothing)));
        assert!(matches!(save(&mut files, "b.ron", Replacing::Ask, &mut editor), Ok(Done::Said(_))));
    }

    #[test]
    fn changes_are_not_thrown_away_unasked() {
        let (mut files, mut editor) = (Files::new(None, None, None), editor());
        for action in [WindowAction::New, WindowAction::Open, WindowAction::Quit] {
            assert!(matches!(files.act(action, &mut editor), Ok(Done::Ask(Question::Discard(_)))));
        }
    }
}
