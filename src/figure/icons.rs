//! The icons of the kinds, as they lie in `assets/icons`: outlines in the colour of what they stand on.

use include_dir::{Dir, include_dir};

static ICONS: Dir = include_dir!("$CARGO_MANIFEST_DIR/assets/icons");

/// The attributes of the icon's drawing (its view box and how it is painted), and what is drawn.
///
/// # Panics
/// If the kind has no icon, which the tests of the catalogue do not let pass.
pub fn source(kind: &str) -> (&'static str, &'static str) {
    let file = ICONS.get_file(format!("{kind}.svg"));
    let text = file.and_then(|file| file.contents_utf8()).unwrap_or_else(|| panic!("{kind} has no icon"));
    let start = text.find("viewBox").unwrap_or(0);
    let end = start + text[start..].find('>').unwrap_or(0);
    let (head, rest) = (&text[start..end], text[end..].trim_start_matches('>'));
    let body = rest.rsplit_once("</svg>").map_or(rest, |(body, _)| body);
    // Its title would be shown as a tool tip.
    (head, body.split_once("</title>").map_or(body, |(_, drawn)| drawn).trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    #[test]
    fn every_kind_has_an_icon_that_can_be_recoloured() {
        for kind in KINDS {
            let (attributes, content) = source(kind.key);
            assert!(
                attributes.starts_with("viewBox=\"0 0 24 24\"") && attributes.contains("currentColor"),
                "{attributes}"
            );
            assert!(content.starts_with('<') && content.ends_with('>') && !content.contains("title"), "{content}");
            assert!(!content.contains('#'), "{}: a colour of its own", kind.key);
        }
    }
}
