//! Which journal is whose, and what is said of what went wrong in the background.

use super::Files;
use crate::base::Finding;
use crate::run::{NO_THREAD, Runner};
use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

impl Files {
    /// The runner, if there is one. That the system refuses it a thread is said with the next frame; what is wrong with the
    /// design is told by the findings.
    pub fn told(&mut self, started: Result<Runner, Vec<Finding>>) -> Option<Runner> {
        let refused = started.as_ref().err().and_then(|all| all.iter().find(|finding| finding.code == NO_THREAD));
        if let Some(finding) = refused {
            self.problem = Some(format!("The design does not run: {}", finding.message));
        }
        started.ok()
    }
}

/// A journal of this program's own: that of an earlier one with the same number is not to be overwritten.
pub(super) fn own_journal(folder: &Path) -> PathBuf {
    let process = std::process::id();
    let named = |n: u32| {
        folder.join(if n == 0 { format!("journal-{process}.ron") } else { format!("journal-{process}-{n}.ron") })
    };
    (0..1_000).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(0))
}

/// Whether the process is gone whose number is in the name of a journal; where that cannot be known it is taken to be there.
fn is_gone(name: &str) -> bool {
    let process = name.trim_start_matches("journal-").split(['-', '.']).next().unwrap_or_default();
    let all = Path::new("/proc");
    all.join("self").exists() && !all.join(process).exists()
}

/// The journal of a program that is no longer there: nobody holds its lock, which the system takes from whoever ends.
pub(super) fn orphan(folder: &Path) -> Option<PathBuf> {
    let is_left = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_journal = name.starts_with("journal-") && name.ends_with(".ron");
        is_journal
            && match fs::File::open(path.with_extension("lock")).map(|lock| lock.try_lock()) {
                Ok(Err(TryLockError::WouldBlock)) => false,
                Ok(Err(TryLockError::Error(_))) => is_gone(&name),
                _ => true,
            }
    };
    fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).filter(is_left).min()
}
