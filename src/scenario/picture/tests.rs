//! What goes in comes out, and nothing goes in that would not. Hostile pictures are in `tests/it/pictures.rs`.

use super::*;
use proptest::prelude::*;

fn carried(scenario: &str) -> Carried {
    let summary = Summary {
        length: 60.0,
        offered: 24_000,
        good_share: Some(0.999),
        goodput: 399.6,
        p50: Some(0.012),
        p99: None,
        expectations: 2,
        held: 1,
    };
    Carried { scenario: scenario.to_owned(), provenance: Provenance { tool: "0.1.0".to_owned(), seed: 7, summary } }
}

/// Two by two pixels.
fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, 2, 2);
    encoder.set_color(::png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&[0x7f; 16]).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

const SVG: &str = "<?xml version=\"1.0\"?>\n<!-- of a run -->\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"2\">\
                   <metadata><title/></metadata><rect/></svg>\n";

#[test]
fn nothing_is_carried_by_a_picture_of_somebody_else_nor_by_a_text() {
    for bytes in [&png()[..], SVG.as_bytes(), b"(title: \"<svg>\")", b"<html></html>", b"\xff", b"<", b""] {
        assert_eq!(extract(bytes), Ok(None), "{bytes:?}");
    }
    let formats =
        [&png()[..], SVG.as_bytes(), b"\xef\xbb\xbf <s:svg/>", b"<svg wid", b"<html></html>", b"()"].map(format);
    assert_eq!(formats, [Some(Format::Png), Some(Format::Svg), Some(Format::Svg), Some(Format::Svg), None, None]);
}

#[test]
fn the_drawing_stays_what_it_was() {
    let carried = carried("(title: \"A & B\")");
    let embedded = embed_png(&png(), &carried).expect("whole");
    let decode = |bytes: &[u8]| {
        let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a picture");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut pixels).expect("pixels");
        pixels
    };
    assert_eq!(decode(&embedded), decode(&png()));
    let embedded = embed_svg(SVG, &carried).expect("whole");
    let (from, to) = (embedded.find("\n<metadata><tailboard").expect("ours"), embedded.find("<metadata><title/>"));
    assert_eq!(embedded[..from].to_owned() + &embedded[to.expect("theirs")..], SVG);
}

/// Editors write an SVG anew: with other prefixes, pieces of text and line ends.
#[test]
fn an_svg_that_went_through_an_editor_is_read() {
    let carried = carried("(title: \"A & B <C>\")\n");
    let embedded = embed_svg(SVG, &carried).expect("whole");
    let other = embedded
        .replace("<metadata><tailboard", "<metadata id=\"m\">\n  <ns0:tailboard")
        .replace("</tailboard>", "\n</ns0:tailboard>")
        .replace("(title", "<!-- c --><![CDATA[(title]]>")
        .replace("seed", "s&#101;&#x65;d");
    assert_eq!(extract(other.as_bytes()), Ok(Some(carried)), "{other}");
}

#[test]
fn a_second_scenario_is_not_embedded_nor_one_that_is_too_long() {
    let once = carried("()");
    let png_once = embed_png(&png(), &once).expect("whole");
    assert_eq!(embed_png(&png_once, &once), Err(PictureError::Twice));
    let svg_once = embed_svg(SVG, &once).expect("whole");
    assert_eq!(embed_svg(&svg_once, &once), Err(PictureError::Twice));
    assert!(embed_png(b"(title: \"no picture\")", &once).is_err());
    assert!(embed_svg("<svg/>", &once).is_err());
    // A line end is two characters in JSON.
    let long = carried(&"\n".repeat(MAX_DOCUMENT / 2));
    assert_eq!(embed_png(&png(), &long), Err(PictureError::TooLong));
    assert_eq!(embed_svg(SVG, &long), Err(PictureError::TooLong));
}

#[test]
fn what_a_terminal_is_shown_is_a_version() {
    for tool in ["", "0.1\u{1b}[2J", "0.1 or so", &"1".repeat(41)] {
        let mut carried = carried("()");
        tool.clone_into(&mut carried.provenance.tool);
        let embedded = embed_png(&png(), &carried).expect("whole");
        assert!(matches!(extract(&embedded), Err(PictureError::Unreadable(_))), "{tool:?}");
    }
}

proptest! {
    #[test]
    fn any_text_comes_out_as_it_went_in(text in any::<String>(), odd in "[\u{0}-\u{20}&<>\"'\\]\u{fffe}\u{ffff}\u{feff}\r\n]*") {
        let carried = carried(&(text + &odd));
        let png = embed_png(&png(), &carried).expect("whole");
        prop_assert_eq!(extract(&png), Ok(Some(carried.clone())));
        let svg = embed_svg(SVG, &carried).expect("whole");
        let forbidden = |c: char| (c < ' ' && c != '\n') || c == '\u{fffe}' || c == '\u{ffff}';
        prop_assert!(!svg.contains(forbidden), "{}", svg);
        prop_assert_eq!(extract(svg.as_bytes()), Ok(Some(carried)));
    }

    /// Wherever it is cut or one bit changes, it is an error, or nothing that matters has changed.
    #[test]
    fn a_damaged_picture_never_carries_something_else(cut in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        let carried = carried("(title: \"shop\", nodes: {})");
        for whole in [embed_png(&png(), &carried).expect("whole"), embed_svg(SVG, &carried).expect("whole").into_bytes()] {
            let cut = &whole[..cut.index(whole.len() - 1)];
            prop_assert!(!matches!(extract(cut), Ok(Some(_))), "cut to {} of {}", cut.len(), whole.len());
            if whole.starts_with(b"\x89PNG") {
                let mut flipped = whole.clone();
                let at = bit.index(8 * flipped.len());
                flipped[at / 8] ^= 1 << (at % 8);
                prop_assert!(!matches!(&extract(&flipped), Ok(Some(other)) if *other != carried), "bit {at}");
            }
        }
    }
}
