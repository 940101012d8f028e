//! Where results are written. A file is written beside its place and takes that place at the end, whole: until then, and
//! where anything goes wrong, an older file stays as it was. No result takes the place of what was read for it, or of
//! another result; files are compared as files, however they are spelt.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// What stands for standard input among what is read.
const INPUT: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
/// What stands for standard output among what is written.
const OUTPUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
/// Symbolic links are followed so far, as Linux does.
const MOST_LINKS: usize = 40;

/// A place for one result.
pub struct Output {
    name: PathBuf,
    place: Place,
}

enum Place {
    Standard,
    /// A device, a pipe: written as it is, since nothing can be put in its place.
    Stream(File),
    File(PathBuf),
}

impl Output {
    /// See whether something can be written there, before it is worked out. Nothing is changed yet.
    ///
    /// # Errors
    /// Why nothing can be written there, and what to do about it.
    pub fn open(path: &Path) -> Result<Output, String> {
        let place = if is_standard(path, Way::Out) { Ok(Place::Standard) } else { find(path) };
        let place = place.map_err(|error| failed(path, &error))?;
        Ok(Output { name: path.to_owned(), place })
    }

    pub fn is_standard(&self) -> bool {
        matches!(self.place, Place::Standard)
    }

    /// Write it; `standard` writes to standard output.
    ///
    /// # Errors
    /// Why it was not written, and what to do about it.
    pub fn write<T: Default>(
        self,
        bytes: &[u8],
        standard: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        let written = match self.place {
            Place::Standard => return standard(bytes),
            Place::Stream(mut file) => file.write_all(bytes).and_then(|()| file.flush()),
            Place::File(path) => put(&path, bytes),
        };
        match written {
            // Whoever reads a pipe may stop when it has enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(&self.name, &error)),
            _ => Ok(T::default()),
        }
    }
}

/// Write a file whole or not at all. What a symbolic link leads to is written, and the link stays one.
///
/// # Errors
/// Why it was not written, and what to do about it.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), String> {
    Output::open(path)?.write(bytes, |_| Err("it has no file to be written to".to_owned()))
}

/// What is read and what is written, each with what the user calls it.
pub type Named<'a> = (&'a str, &'a Path);

/// Make sure that no result is written over what is read, or over another one.
///
/// # Errors
/// Which of them would be lost.
pub fn keep_apart(inputs: &[&Path], outputs: &[Named]) -> Result<(), String> {
    let read: Vec<(&Path, Identity)> =
        inputs.iter().filter_map(|path| Some((*path, Identity::of(path, Way::In)?))).collect();
    // What is not written elsewhere goes to standard output, which may be one of these files.
    let is_told = outputs.iter().any(|(_, path)| is_standard(path, Way::Out));
    let rest = (!is_told).then_some(("standard output", Path::new(OUTPUT[0])));
    let mut written: Vec<(&str, Identity)> = Vec::new();
    for &(option, path) in outputs.iter().chain(&rest) {
        let Some(identity) = Identity::of(path, Way::Out) else { continue };
        if let Some((input, _)) = read.iter().find(|(_, other)| *other == identity) {
            let input = if is_standard(input, Way::In) { "standard input".into() } else { input.to_string_lossy() };
            return Err(format!(
                "{} would be written over `{input}`, which is read: name another file",
                quoted(option)
            ));
        }
        if let Some((other, _)) = written.iter().find(|(_, other)| *other == identity) {
            let (other, option) = (quoted(other), quoted(option));
            return Err(format!("{other} and {option} would write to the same place: name different files"));
        }
        written.push((option, identity));
    }
    Ok(())
}

/// Whether two paths lead to one file, by whatever links.
pub fn is_same(a: &Path, b: &Path) -> bool {
    Identity::of(a, Way::Out).is_some_and(|identity| Some(identity) == Identity::of(b, Way::Out))
}

fn quoted(option: &str) -> String {
    if option.starts_with('-') { format!("`{option}`") } else { option.to_owned() }
}

#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

fn is_standard(path: &Path, way: Way) -> bool {
    let names = match way {
        Way::In => INPUT,
        Way::Out => OUTPUT,
    };
    names.iter().any(|name| path == Path::new(name))
}

/// What tells a file from others.
#[derive(PartialEq, Eq)]
enum Identity {
    /// Device and number, which all names of a file have in common.
    #[cfg_attr(not(unix), expect(dead_code, reason = "these systems tell no such numbers"))]
    Number(u64, u64),
    /// Of a file that is not there yet: where it will be.
    Place(PathBuf),
    Standard,
}

impl Identity {
    /// None for what many may read and write at once, such as `/dev/null` or a terminal.
    fn of(path: &Path, way: Way) -> Option<Identity> {
        if is_standard(path, way) {
            let identity = standard(way).and_then(|metadata| numbered(&metadata));
            return match (identity, way) {
                (None, Way::Out) => Some(Identity::Standard),
                (identity, _) => identity,
            };
        }
        let place = followed(path).ok()?;
        match fs::metadata(&place) {
            Ok(metadata) if cfg!(unix) => numbered(&metadata),
            Ok(metadata) => metadata.is_file().then_some(Identity::Place(place)),
            Err(_) => Some(Identity::Place(place)),
        }
    }
}

#[cfg(unix)]
fn numbered(metadata: &fs::Metadata) -> Option<Identity> {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let shared = metadata.file_type().is_char_device() || metadata.is_dir();
    (!shared).then(|| Identity::Number(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn numbered(_: &fs::Metadata) -> Option<Identity> {
    None
}

/// What standard input or output is at present.
#[cfg(unix)]
fn standard(way: Way) -> Option<fs::Metadata> {
    use std::os::fd::AsFd as _;
    let handle = match way {
        Way::In => io::stdin().as_fd().try_clone_to_owned(),
        Way::Out => io::stdout().as_fd().try_clone_to_owned(),
    };
    File::from(handle.ok()?).metadata().ok()
}

#[cfg(not(unix))]
fn standard(_: Way) -> Option<fs::Metadata> {
    None
}

/// Where symbolic links lead, whether something is there or not.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = fs::canonicalize(folder_of(&path)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                io::Error::new(ErrorKind::NotFound, format!("there is no folder {}", folder_of(&path).display()))
            }
            _ => error,
        })?;
        let Some(name) = path.file_name() else { return fs::canonicalize(&path) };
        path = folder.join(name);
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its symbolic links lead nowhere"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where to write; an error if that could not be done.
fn find(path: &Path) -> io::Result<Place> {
    // What these name is open already, and is not to be replaced even if it is a file.
    if path.starts_with("/dev") || path.starts_with("/proc") {
        return OpenOptions::new().write(true).open(path).map(Place::Stream);
    }
    let place = followed(path)?;
    match fs::metadata(&place) {
        Ok(metadata) if metadata.is_dir() => return Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder")),
        Ok(metadata) if !metadata.is_file() => return OpenOptions::new().write(true).open(&place).map(Place::Stream),
        // A file that is not to be changed is not to be replaced either.
        Ok(_) => drop(OpenOptions::new().write(true).open(&place)?),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Beside::new(&place)?;
    Ok(Place::File(place))
}

/// A file that is being written, beside the one whose place it is to take. It is removed if it never does.
struct Beside {
    path: PathBuf,
    file: File,
    is_done: bool,
}

impl Beside {
    fn new(place: &Path) -> io::Result<Beside> {
        let folder = folder_of(place);
        let named = |n: u32| folder.join(OsString::from(format!(".tailboard-{}-{n}.tmp", std::process::id())));
        let within = |error: io::Error| match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                io::Error::new(error.kind(), format!("no file can be made in its folder {}: {error}", folder.display()))
            }
            _ => error,
        };
        for n in 0.. {
            let path = named(n);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Beside { path, file, is_done: false }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && n < 1_000 => {}
                Err(error) => return Err(within(error)),
            }
        }
        Err(io::Error::other("too many files are left of earlier attempts"))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_done {
            // It lies there under a name that nobody mistakes for a result.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Put a file in its place, with the permissions and the owner of an older one. After a crash either is there whole.
fn put(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = Beside::new(place)?;
    if let Ok(older) = fs::metadata(place) {
        keep_owner(&beside.file, &older);
        beside.file.set_permissions(older.permissions())?;
    }
    beside.file.write_all(bytes)?;
    beside.file.sync_all()?;
    fs::rename(&beside.path, place)?;
    beside.is_done = true;
    // The new name is as lasting as the content only then; where folders cannot be synchronised, the system does it later.
    let _ = File::open(folder_of(place)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// An administrator who writes a file of somebody else leaves it theirs; nobody else may give files away.
#[cfg(unix)]
fn keep_owner(file: &File, older: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let _ = fchown(file, Some(older.uid()), Some(older.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) {}

/// What went wrong, and what to do about it.
fn failed(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "; make room, or name a file on another disk. What was there before is unchanged"
        }
        ErrorKind::NotFound => "; make the folder, or name another one",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "; change the permissions, or name another file",
        ErrorKind::IsADirectory => "; name a file in it",
        _ => "",
    };
    format!("{} cannot be written: {error}{remedy}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_output_that_is_not_written_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        fs::write(&old, "old").expect("room");
        drop((Output::open(&old).expect("a file"), Output::open(&new).expect("a place")));
        assert_eq!(
            (fs::read_to_string(&old).expect("a file"), left(folder.path())),
            ("old".into(), vec!["old".into()])
        );
        // A folder in its place, or none around it.
        fs::create_dir(&new).expect("room");
        for path in [new.clone(), folder.path().join("none/there")] {
            let said = replace(&path, b"x").expect_err("no place for a file");
            assert!(said.contains(&path.display().to_string()) && said.contains("; "), "{said}");
        }
        assert_eq!(left(folder.path()), ["new", "old"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        fs::write(place("file"), "old").expect("room");
        fs::set_permissions(place("file"), fs::Permissions::from_mode(0o640)).expect("mine");
        symlink("file", place("link")).expect("a link");
        replace(&place("link"), b"new").expect("written");
        assert!(fs::symlink_metadata(place("link")).expect("a link").is_symlink());
        assert_eq!(fs::read(place("file")).expect("a file"), b"new");
        assert_eq!(fs::metadata(place("file")).expect("a file").permissions().mode() & 0o777, 0o640);
        // One that leads to what is not there yet makes it; one that leads to itself is no place.
        symlink("later", place("dangling")).expect("a link");
        replace(&place("dangling"), b"there").expect("written");
        assert_eq!(fs::read(place("later")).expect("a file"), b"there");
        symlink("loop", place("loop")).expect("a link");
        assert!(replace(&place("loop"), b"x").is_err());
        assert_eq!(left(folder.path()), ["dangling", "file", "later", "link", "loop"]);
    }

    #[cfg(unix)]
    #[test]
    fn one_file_has_many_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        fs::write(place("a"), "").expect("room");
        fs::create_dir(place("x")).expect("room");
        fs::hard_link(place("a"), place("hard")).expect("a link");
        std::os::unix::fs::symlink("a", place("soft")).expect("a link");
        std::os::unix::fs::symlink("new", place("towards")).expect("a link");
        for name in ["a", "hard", "soft", "x/../a", "./a"] {
            assert!(is_same(&place("a"), &place(name)), "{name}");
            assert!(keep_apart(&[&place("a")], &[("--json", &place(name))]).is_err(), "{name}");
        }
        assert!(is_same(&place("new"), &place("towards")) && is_same(&place("new"), &place("x/../new")));
        assert!(!is_same(&place("a"), &place("new")) && !is_same(&place("new"), &place("x/new")));
        let null = Path::new("/dev/null");
        assert_eq!(keep_apart(&[null], &[("--json", null), ("--csv", null)]), Ok(()));
    }
}
