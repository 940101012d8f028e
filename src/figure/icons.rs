//! The icons of the kinds, as they lie in `assets/icons`: outlines in the colour of what they stand on.

use include_dir::{Dir, include_dir};
use resvg::{tiny_skia, usvg};

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

/// The icon in white, so many pixels wide and high: red, green, blue, alpha, row by row.
///
/// # Panics
/// If the kind has no icon, or the icon cannot be drawn, which a test does not let pass.
pub fn rasterized(kind: &str, pixels: u32) -> Vec<u8> {
    let (attributes, drawn) = source(kind);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" color=\"#fff\" {attributes}>{drawn}</svg>"
    );
    let tree = usvg::Tree::from_str(&svg, &usvg::Options::default()).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let mut map = tiny_skia::Pixmap::new(pixels, pixels).unwrap_or_else(|| panic!("{kind}: no pixels"));
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut map.as_mut());
    map.pixels()
        .iter()
        .map(|pixel| pixel.demultiply())
        .flat_map(|c| [c.red(), c.green(), c.blue(), c.alpha()])
        .collect()
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
            let inked = rasterized(kind.key, 24).chunks(4).filter(|pixel| pixel[3] > 128).count();
            assert!((20..400).contains(&inked), "{}: {inked} of 576 pixels", kind.key);
        }
    }
}
