//! The text of a scenario file, also of one that a picture carries, or a clear word on why there is none.

use super::foreign::{self, Foreign};
use super::picture::{self, PictureError, Provenance};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// Longest text that is read. The largest design we know of takes some hundred kilobytes; a file of this size is not a
/// scenario, and reading on (a video, `/dev/zero`) would only fill the memory. A picture may be as long: at four times
/// its size, that of a large design takes a few megabytes.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// A text and what to call it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// For messages: the path as it was given; with ` (scenario)` where it is a picture, because places are in that.
    pub name: String,
    /// Without a byte order mark.
    pub text: String,
    /// Of a picture: the run that it shows.
    pub provenance: Option<Provenance>,
}

/// Why there is no text.
#[derive(Debug)]
pub struct SourceError {
    /// The path as it was given.
    pub name: String,
    pub why: Why,
}

#[derive(Debug)]
pub enum Why {
    Missing,
    Folder,
    Forbidden,
    TooLarge,
    Empty,
    /// Not UTF-8 from this byte on, which is on this line.
    NotUtf8 {
        offset: usize,
        line: usize,
    },
    /// Begins with the byte order mark of UTF-16.
    Utf16,
    /// A picture without one.
    NoScenario,
    /// A picture in a format that carries none.
    OtherPicture(&'static str),
    Picture(PictureError),
    /// A file of another program.
    Foreign(Foreign),
    /// Anything else the operating system says.
    Other(io::Error),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.why {
            Why::Missing => {
                write!(f, "There is no file `{name}`. Check the spelling and the folder it is looked for in.")
            }
            Why::Folder => {
                let example = Path::new(name).join("shop.ron");
                write!(f, "`{name}` is a folder. Name a scenario file in it, such as `{}`.", example.display())
            }
            Why::Forbidden => {
                write!(f, "`{name}` may not be read: you lack the permission. Change it, or copy the file.")
            }
            Why::TooLarge => write!(
                f,
                "`{name}` is too large for a scenario or a picture of one: at most {} MiB are read. Is it the right file?",
                MAX_BYTES / (1024 * 1024)
            ),
            Why::Empty => write!(f, "`{name}` is empty: a scenario has at least `()`."),
            Why::NotUtf8 { offset, line } => write!(
                f,
                "`{name}` is not a text in UTF-8: byte {offset} (counted from 0), on line {line}, cannot be read. Save \
                 the file as UTF-8, or check that it is a scenario."
            ),
            Why::Utf16 => write!(f, "`{name}` is a text in UTF-16. Save it as UTF-8."),
            Why::NoScenario => write!(
                f,
                "`{name}`: this picture carries no scenario. Those that Tailboard draws do, until a program converts or \
                 shrinks them: name the scenario file, or the picture as it was drawn."
            ),
            Why::OtherPicture(format) => write!(
                f,
                "`{name}` is a picture in {format}, which carries no scenario: only PNG and SVG do. Name the scenario \
                 file, or the picture as Tailboard drew it."
            ),
            Why::Picture(error) => write!(f, "`{name}` {error}"),
            Why::Foreign(Foreign { what, advice }) => write!(f, "`{name}` is {what}. {advice}"),
            Why::Other(error) => write!(f, "`{name}` could not be read: {error}."),
        }
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Other(error) => Some(error),
            Why::Picture(error) => Some(error),
            _ => None,
        }
    }
}

/// Read a file, or standard input for `-`: a scenario, or a picture that carries one. What it is tells its content.
///
/// # Errors
/// [`SourceError`], whose text is for the user: the file is missing, a folder, forbidden, too large, empty, not UTF-8, a
/// picture without a scenario or a damaged one, or the operating system reports something else.
pub fn load(path: &Path) -> Result<Source, SourceError> {
    if path == Path::new(STANDARD_INPUT) {
        return load_from(io::stdin().lock(), "standard input");
    }
    let name = path.display().to_string();
    let fail = |why| SourceError { name: name.clone(), why };
    let metadata = fs::metadata(path).map_err(|error| fail(why(error)))?;
    if metadata.is_dir() {
        return Err(fail(Why::Folder));
    }
    // What is no regular file has length 0 here; the limit while reading holds for it.
    if metadata.len() > MAX_BYTES {
        return Err(fail(Why::TooLarge));
    }
    let file = fs::File::open(path).map_err(|error| fail(why(error)))?;
    load_from(file, &name)
}

/// As [`load`], from what is open already.
///
/// # Errors
/// As [`load`].
pub fn load_from(reader: impl Read, name: &str) -> Result<Source, SourceError> {
    let fail = |why| SourceError { name: name.to_owned(), why };
    let mut bytes = Vec::new();
    // One more than is allowed tells too many from just enough.
    reader.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fail(why(error)))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail(Why::TooLarge));
    }
    if picture::format(&bytes).is_some() {
        let carried = picture::extract(&bytes).map_err(|error| fail(Why::Picture(error)))?;
        let carried = carried.ok_or_else(|| fail(Why::NoScenario))?;
        let source = text_of(carried.scenario.into_bytes(), &format!("{name} (scenario)"))?;
        return Ok(Source { provenance: Some(carried.provenance), ..source });
    }
    if let Some(found) = foreign::of_bytes(&bytes) {
        return Err(fail(Why::Foreign(found)));
    }
    match bytes.as_slice() {
        [0xff, 0xd8, 0xff, ..] => Err(fail(Why::OtherPicture("JPEG"))),
        [b'G', b'I', b'F', b'8', ..] => Err(fail(Why::OtherPicture("GIF"))),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Err(fail(Why::OtherPicture("WebP"))),
        _ => {
            let source = text_of(bytes, name)?;
            match foreign::of_text(&source.text) {
                Some(found) => Err(fail(Why::Foreign(found))),
                None => Ok(source),
            }
        }
    }
}

fn text_of(bytes: Vec<u8>, name: &str) -> Result<Source, SourceError> {
    let fail = |why| SourceError { name: name.to_owned(), why };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(fail(Why::Utf16));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1;
        fail(Why::NotUtf8 { offset, line })
    })?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    if text.trim().is_empty() {
        return Err(fail(Why::Empty));
    }
    Ok(Source { name: name.to_owned(), text, provenance: None })
}

fn why(error: io::Error) -> Why {
    match error.kind() {
        io::ErrorKind::NotFound => Why::Missing,
        io::ErrorKind::PermissionDenied => Why::Forbidden,
        io::ErrorKind::IsADirectory => Why::Folder,
        _ => Why::Other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> String {
        load_from(bytes, "shop.ron").unwrap_err().to_string()
    }

    #[test]
    fn a_text_is_read_without_its_mark() {
        let source = load_from("\u{feff}(title: \"é\")".as_bytes(), "shop.ron").unwrap();
        assert_eq!((source.name.as_str(), source.text.as_str()), ("shop.ron", "(title: \"é\")"));
    }

    #[test]
    fn what_is_no_text_is_said() {
        assert!(message(b"").contains("is empty"));
        assert!(message(b" \n").contains("is empty") && message(b"\xef\xbb\xbf\n").contains("is empty"));
        let text = message(b"(\n title: \"\xff\")");
        assert!(text.contains("byte 11 ") && text.contains("line 2,"), "{text}");
        assert!(message(b"\xff\xfe(\0)\0").contains("UTF-16"));
        let text = load_from(io::repeat(0), "/dev/zero").unwrap_err().to_string();
        assert!(text.contains("at most 16 MiB"), "{text}");
    }

    #[test]
    fn what_is_no_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let say = |path: &Path| load(path).unwrap_err().to_string();
        assert!(say(folder.path()).contains("is a folder"));
        assert!(say(&folder.path().join("none.ron")).contains("There is no file"));
        // A sparse file: refused by its length, before a byte is read.
        let large = folder.path().join("large.ron");
        fs::File::create(&large).unwrap().set_len(200 * 1024 * 1024).unwrap();
        assert!(say(&large).contains("too large"));
        let good = folder.path().join("good.ron");
        fs::write(&good, "()").unwrap();
        assert_eq!(load(&good).unwrap().text, "()");
    }
}
