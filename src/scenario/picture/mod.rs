//! The picture is the file: what is written into the PNG and SVG pictures of a run, so that they can be run again.
//!
//! It is a JSON document, in PNG the text of an `iTXt` chunk with the key `tailboard` (compressed), in SVG the text of
//! `<metadata><tailboard>`:
//!
//! | field | what it is |
//! |---|---|
//! | `format` | number of this shape: it may grow; a field changes its meaning only with this number |
//! | `scenario` | the scenario file, as it was run |
//! | `pair` | only where two runs are drawn side by side, instead of the rest: their titles. No scenario is carried then |
//! | `provenance` | of which run the picture is: `tool` (version of Tailboard), `seed`, and `summary` |
//! | `summary` | `length` (seconds simulated), `offered` (requests), `good_share` (0 to 1), `goodput` (per second), `p50` and `p99` (seconds; `null` where they cannot be told), `expectations` (how many were judged) and `held` |

mod png;
mod svg;
#[cfg(test)]
mod tests;

use super::source::MAX_BYTES;
use crate::base::plain;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the scenario goes by in a picture: key of the chunk, name of the element.
const KEY: &str = "tailboard";

/// The shape of the document that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// Longest document, and longest picture with one, in bytes: as the longest file that is read.
const MAX_DOCUMENT: usize = MAX_BYTES as usize;

/// Longest version of a tool, in bytes. It is shown on a terminal, so that it may hold nothing but what versions do.
const MAX_TOOL: usize = 40;

/// Longest title of a pair that is told, in characters.
const MOST_TITLE: usize = 60;

/// What a picture carries besides the drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// The text of the scenario file.
    pub scenario: String,
    pub provenance: Provenance,
}

/// Of which run a picture is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the program that drew it.
    pub tool: String,
    pub seed: u64,
    pub summary: Summary,
}

/// The run in a few figures, for who has nothing but the picture. Times are in seconds, rates per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub length: f64,
    pub offered: u64,
    /// From 0 to 1; of those offered.
    pub good_share: Option<f64>,
    pub goodput: f64,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    /// Expectations judged, and how many of them hold.
    pub expectations: u64,
    pub held: u64,
}

/// What a picture is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Svg,
}

/// Why a picture cannot be read, or not be written into. The text goes on after the name of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureError {
    /// It ends before its end.
    CutOff,
    /// It is not as its format wants it.
    Damaged(String),
    /// A hostile picture: more parts than any drawing has.
    Excessive(&'static str),
    /// Two scenarios, and nothing says which one is meant.
    Twice,
    /// A scenario longer than what is read.
    TooLong,
    /// The document is there, but is not what this program writes.
    Unreadable(String),
    /// Written by a newer program, in this format.
    Newer(u32),
    /// Of two runs side by side, with these titles.
    Pair([String; 2]),
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PictureError::CutOff => {
                f.write_str("is cut off: the picture ends in the middle. Copy it again, or download it again.")
            }
            PictureError::Damaged(what) => write!(f, "is damaged: {what}. Take another copy of the picture."),
            PictureError::Excessive(what) => {
                write!(f, "has {what}, which no drawing needs: it is not read any further.")
            }
            PictureError::Twice => f.write_str("carries two scenarios; a picture of Tailboard has one."),
            PictureError::TooLong => {
                write!(f, "carries too long a scenario: at most {} MiB are read.", MAX_DOCUMENT / (1024 * 1024))
            }
            PictureError::Unreadable(what) => {
                write!(f, "carries a scenario that cannot be taken out: {what}. Take another copy of the picture.")
            }
            PictureError::Pair([a, b]) => write!(
                f,
                "shows two runs side by side, “{a}” and “{b}”, and carries the scenario of neither: take their files, or \
                 a picture of one of them."
            ),
            PictureError::Newer(format) => write!(
                f,
                "was drawn by a newer Tailboard: what it carries has format {format}, and this version reads up to \
                 {FORMAT}. Update Tailboard."
            ),
        }
    }
}

impl std::error::Error for PictureError {}

/// Whether these bytes are a picture that can carry a scenario, by how they begin: in no case is that a scenario file.
pub fn format(bytes: &[u8]) -> Option<Format> {
    if png::is_png(bytes) {
        Some(Format::Png)
    } else if std::str::from_utf8(bytes).is_ok_and(svg::is_svg) {
        Some(Format::Svg)
    } else {
        None
    }
}

/// A PNG with the scenario in it. The drawing is not touched.
///
/// # Errors
/// If it is not a whole PNG, carries a scenario already, or the scenario is longer than what is read back.
pub fn embed_png(picture: &[u8], carried: &Carried) -> Result<Vec<u8>, PictureError> {
    let picture = png::embed(picture, &write(carried)?)?;
    if fits(picture.len()) { Ok(picture) } else { Err(PictureError::TooLong) }
}

/// An SVG with the scenario in it. The drawing is not touched.
///
/// # Errors
/// As [`embed_png`].
pub fn embed_svg(picture: &str, carried: &Carried) -> Result<String, PictureError> {
    let picture = svg::embed(picture, &write(carried)?)?;
    if fits(picture.len()) { Ok(picture) } else { Err(PictureError::TooLong) }
}

/// A PNG of two runs side by side, with a note of which: it carries no scenario, and says so where it is read.
///
/// # Errors
/// As [`embed_png`].
pub fn embed_pair_png(picture: &[u8], titles: &[String; 2]) -> Result<Vec<u8>, PictureError> {
    png::embed(picture, &write_pair(titles)?)
}

/// The same as SVG.
///
/// # Errors
/// As [`embed_png`].
pub fn embed_pair_svg(picture: &str, titles: &[String; 2]) -> Result<String, PictureError> {
    svg::embed(picture, &write_pair(titles)?)
}

/// Nothing is written that would be refused when it is read.
fn fits(bytes: usize) -> bool {
    bytes <= MAX_DOCUMENT
}

/// What a picture carries; `None` if it carries no scenario, or is no picture. Pixels are never decoded and entities never
/// expanded, so that it takes no more time and memory than the bytes themselves.
///
/// # Errors
/// If the picture is cut off or damaged, carries two scenarios or an unreadable one, or is made to exhaust its reader.
pub fn extract(bytes: &[u8]) -> Result<Option<Carried>, PictureError> {
    let document = match format(bytes) {
        Some(Format::Png) => png::extract(bytes)?,
        // Not UTF-8 is no SVG; see `format`.
        Some(Format::Svg) => svg::extract(std::str::from_utf8(bytes).unwrap_or_default())?,
        None => None,
    };
    document.map(|document| read(&document)).transpose()
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    #[serde(flatten)]
    carried: &'a Carried,
}

#[derive(Serialize)]
struct WrittenPair<'a> {
    format: u32,
    pair: &'a [String; 2],
}

/// Just enough of a document to see whether the rest can be understood.
#[derive(Deserialize)]
#[serde(expecting = "a table of fields")]
struct Versioned {
    format: u32,
    #[serde(default)]
    pair: Option<[String; 2]>,
}

/// The document on one line, without characters that XML cannot hold: JSON escapes control characters, and what XML
/// forbids besides them is escaped here.
fn write(carried: &Carried) -> Result<String, PictureError> {
    json(&Written { format: FORMAT, carried })
}

fn write_pair(titles: &[String; 2]) -> Result<String, PictureError> {
    json(&WrittenPair { format: FORMAT, pair: titles })
}

fn json(document: &impl Serialize) -> Result<String, PictureError> {
    let document = serde_json::to_string(document);
    let document = document.map_err(|error| PictureError::Unreadable(error.to_string()))?;
    let document = plain::json(&document).into_owned();
    if fits(document.len()) { Ok(document) } else { Err(PictureError::TooLong) }
}

/// A title as it may be shown on a terminal, whoever wrote it.
fn shown(title: &str) -> String {
    title.chars().filter(|c| !c.is_control()).take(MOST_TITLE).collect()
}

fn read(document: &str) -> Result<Carried, PictureError> {
    let unreadable =
        |error: serde_json::Error| PictureError::Unreadable(format!("it is not as Tailboard writes it ({error})"));
    let Versioned { format, pair } = serde_json::from_str(document).map_err(unreadable)?;
    if format > FORMAT {
        return Err(PictureError::Newer(format));
    }
    if let Some(titles) = pair {
        return Err(PictureError::Pair(titles.map(|title| shown(&title))));
    }
    let carried: Carried = serde_json::from_str(document).map_err(unreadable)?;
    let tool = &carried.provenance.tool;
    if tool.is_empty() || tool.len() > MAX_TOOL || !tool.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(PictureError::Unreadable("`tool` is not the version of a program".to_owned()));
    }
    Ok(carried)
}
