//! In SVG: an element in the `<metadata>` of the root, which viewers ignore and editors keep.

use super::{KEY, PictureError};
use quick_xml::Reader;
use quick_xml::escape::{partial_escape, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting. Drawings nest a dozen deep, and each level is remembered.
const MAX_DEPTH: usize = 256;

/// What keeps our element apart from those of SVG.
const NAMESPACE: &str = "urn:tailboard:picture";

pub(super) fn is_svg(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        return false;
    }
    let mut reader = Reader::from_str(text);
    loop {
        let at = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Start(root) | Event::Empty(root)) => return is(&root, "svg"),
            Ok(Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) | Event::Text(_)) => {}
            Ok(_) => return false,
            // Cut off within the first tag.
            Err(_) => return text.get(at..).is_some_and(|rest| rest.starts_with("<svg")),
        }
    }
}

pub(super) fn embed(picture: &str, document: &str) -> Result<String, PictureError> {
    if extract(picture)?.is_some() {
        return Err(PictureError::Twice);
    }
    let mut reader = Reader::from_str(picture);
    loop {
        match reader.read_event().map_err(|error| damaged(&error))? {
            Event::Start(_) => break,
            Event::Empty(_) | Event::Eof => return Err(PictureError::Damaged("there is no drawing in it".to_owned())),
            _ => {}
        }
    }
    let (head, body) = picture.split_at(reader.buffer_position() as usize);
    let document = partial_escape(document);
    Ok(format!("{head}\n<metadata><{KEY} xmlns=\"{NAMESPACE}\">{document}</{KEY}></metadata>{body}"))
}

/// The text of the element. The whole picture is read, so that one that is cut off is found out; entities that the
/// picture declares are never expanded, because ours uses none.
pub(super) fn extract(picture: &str) -> Result<Option<String>, PictureError> {
    let mut reader = Reader::from_str(picture);
    let (mut depth, mut in_metadata, mut within) = (0, false, false);
    let mut found: Option<String> = None;
    loop {
        match reader.read_event().map_err(|error| damaged(&error))? {
            Event::Start(_) if within => return Err(unreadable("there is an element in it")),
            Event::Start(element) => {
                depth += 1;
                match depth {
                    2 => in_metadata = is(&element, "metadata"),
                    3 if in_metadata && is(&element, KEY) => {
                        within = true;
                        if found.replace(String::new()).is_some() {
                            return Err(PictureError::Twice);
                        }
                    }
                    MAX_DEPTH.. => return Err(PictureError::Excessive("hundreds of elements inside each other")),
                    _ => {}
                }
            }
            Event::End(_) => {
                depth -= 1;
                within = false;
            }
            Event::Eof if depth > 0 => return Err(PictureError::CutOff),
            Event::Eof => return Ok(found),
            event => {
                if let Some(text) = found.as_mut().filter(|_| within) {
                    add(text, event)?;
                }
            }
        }
    }
}

/// A piece of the document.
fn add(text: &mut String, event: Event<'_>) -> Result<(), PictureError> {
    let undecodable = |error: &dyn std::fmt::Display| unreadable(&error.to_string());
    match event {
        Event::Text(piece) => text.push_str(&piece.decode().map_err(|error| undecodable(&error))?),
        Event::CData(piece) => text.push_str(&piece.decode().map_err(|error| undecodable(&error))?),
        Event::GeneralRef(entity) => match entity.resolve_char_ref().map_err(|error| undecodable(&error))? {
            Some(c) => text.push(c),
            None => {
                let name = entity.decode().map_err(|error| undecodable(&error))?;
                let piece = resolve_xml_entity(&name);
                text.push_str(
                    piece.ok_or_else(|| unreadable("it refers to an entity, which this program never does"))?,
                );
            }
        },
        Event::Comment(_) => {}
        _ => return Err(unreadable("there is an element in it")),
    }
    Ok(())
}

fn is(element: &BytesStart<'_>, name: &str) -> bool {
    element.local_name().as_ref() == name.as_bytes()
}

fn unreadable(what: &str) -> PictureError {
    PictureError::Unreadable(what.to_owned())
}

fn damaged(error: &quick_xml::Error) -> PictureError {
    match error {
        // An end that is missing, in a tag, a comment or an entity.
        quick_xml::Error::Syntax(_) => PictureError::CutOff,
        error => PictureError::Damaged(error.to_string()),
    }
}
