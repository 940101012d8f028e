//! Text in the embedded font: how wide it is, how much of it fits, and the outlines of its characters. Figures have one
//! width. Neither kerning nor ligatures: labels are short, and what is measured is what is drawn.

use super::scene::{Point, Seg};
use std::sync::LazyLock;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Regular,
    SemiBold,
}

/// The font files, for whoever draws text by itself.
pub fn font(weight: Weight) -> &'static [u8] {
    match weight {
        Weight::Regular => include_bytes!("../../assets/fonts/Inter-Regular.otf"),
        Weight::SemiBold => include_bytes!("../../assets/fonts/Inter-SemiBold.otf"),
    }
}

fn face(weight: Weight) -> &'static Face<'static> {
    static REGULAR: LazyLock<Face<'static>> = LazyLock::new(|| parsed(Weight::Regular));
    static SEMI_BOLD: LazyLock<Face<'static>> = LazyLock::new(|| parsed(Weight::SemiBold));
    match weight {
        Weight::Regular => &REGULAR,
        Weight::SemiBold => &SEMI_BOLD,
    }
}

fn parsed(weight: Weight) -> Face<'static> {
    Face::parse(font(weight), 0).expect("the embedded font is a font")
}

/// Units of the font in the size of a text.
pub fn units(weight: Weight) -> f64 {
    f64::from(face(weight).units_per_em())
}

/// A character as it is drawn, and how far the next one is from it, in units of the font.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glyph {
    pub id: u16,
    pub advance: u16,
}

/// The characters of a text. What the font does not have is drawn as an empty box.
pub fn glyphs(text: &str, weight: Weight) -> impl Iterator<Item = Glyph> + '_ {
    text.chars().map(move |c| {
        let id = face(weight).glyph_index(c).unwrap_or(GlyphId(0));
        Glyph { id: id.0, advance: face(weight).glyph_hor_advance(id).unwrap_or(0) }
    })
}

/// The characters of a text that the font does not have.
pub fn missing(text: &str, weight: Weight) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(move |c| face(weight).glyph_index(*c).is_none())
}

/// How wide a text is, in the unit of its size.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    glyphs(text, weight).map(|glyph| f64::from(glyph.advance)).sum::<f64>() * size / units(weight)
}

/// The text, or as much of its beginning and end as fits: names often differ in their end.
pub fn fit(text: &str, size: f64, weight: Weight, room: f64) -> String {
    let measured = Measured::new(text, weight);
    if measured.in_size(measured.total(), size) <= room {
        return text.to_owned();
    }
    let (n, dots) = (measured.chars.len(), advance("…", weight));
    let fits = |kept: &usize| {
        let tail = kept / 3;
        let ends = measured.sums[kept - tail] + (measured.total() - measured.sums[n - tail]);
        measured.in_size(ends + dots, size) <= room
    };
    let Some(kept) = (0..n).rev().find(fits) else { return String::new() };
    let tail = kept / 3;
    measured.chars[..kept - tail].iter().chain(['…'].iter()).chain(&measured.chars[n - tail..]).collect()
}

/// The width of a text in units of the font.
fn advance(text: &str, weight: Weight) -> u64 {
    glyphs(text, weight).map(|glyph| u64::from(glyph.advance)).sum()
}

/// The characters of a text, and how wide each beginning of it is in units of the font: so that a long text is measured
/// once, however often it is asked what fits.
struct Measured {
    chars: Vec<char>,
    sums: Vec<u64>,
    weight: Weight,
}

impl Measured {
    fn new(text: &str, weight: Weight) -> Measured {
        let widths = glyphs(text, weight).scan(0, |sum, glyph| {
            *sum += u64::from(glyph.advance);
            Some(*sum)
        });
        Measured { chars: text.chars().collect(), sums: std::iter::once(0).chain(widths).collect(), weight }
    }

    fn total(&self) -> u64 {
        self.sums[self.chars.len()]
    }

    fn in_size(&self, advance: u64, size: f64) -> f64 {
        advance as f64 * size / units(self.weight)
    }
}

/// Lines between words, at most so many; what does not fit in the last one is cut.
pub fn wrap(text: &str, size: f64, weight: Weight, room: f64, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    // The width of the last line, in units of the font.
    let (mut wide, blank) = (0, advance(" ", weight));
    // Not between words that a no-break space holds together.
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let added = advance(word, weight);
        match wrapped.last_mut() {
            Some(line) if (wide + blank + added) as f64 * size / units(weight) <= room => {
                line.push(' ');
                *line += word;
                wide += blank + added;
            }
            _ => {
                wrapped.push(word.to_owned());
                wide = added;
            }
        }
    }
    if wrapped.len() > lines {
        let rest = wrapped.split_off(lines.max(1) - 1).join(" ");
        wrapped.push(cut(&rest, size, weight, room));
    }
    // A separator at the end of a line separates nothing.
    wrapped.iter().map(|line| fit(line.trim_end_matches(" ·"), size, weight, room)).collect()
}

/// The same in lines of about one length: a last line of one word looks forgotten.
pub fn balanced(text: &str, size: f64, weight: Weight, room: f64, lines: usize) -> Vec<String> {
    let count = |room: f64| wrap(text, size, weight, room, usize::MAX).len();
    let needed = count(room);
    let narrower = (10..20).map(|twentieths| room * f64::from(twentieths) / 20.0);
    let narrowest = narrower.into_iter().find(|room| needed > 1 && needed <= lines && count(*room) == needed);
    wrap(text, size, weight, narrowest.unwrap_or(room), lines)
}

/// As much of the beginning as fits.
pub fn cut(text: &str, size: f64, weight: Weight, room: f64) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    let (measured, dots) = (Measured::new(text, weight), advance("…", weight));
    // Blanks before the dots are left out.
    let mut end = 0;
    let ends: Vec<usize> = (measured.chars.iter().enumerate())
        .map(|(i, c)| {
            let before = end;
            end = if c.is_whitespace() { end } else { i + 1 };
            before
        })
        .collect();
    let fits = |end: &&usize| measured.in_size(measured.sums[**end] + dots, size) <= room;
    let Some(&end) = ends.iter().rev().find(fits) else { return String::new() };
    measured.chars[..end].iter().chain(['…'].iter()).collect()
}

/// The outline of a character in units of the font, y downwards; a cubic curve is two quadratic ones.
pub fn outline(glyph: u16, weight: Weight) -> Vec<Seg> {
    let mut pen = Outline::default();
    face(weight).outline_glyph(GlyphId(glyph), &mut pen);
    pen.segs
}

#[derive(Default)]
struct Outline {
    segs: Vec<Seg>,
    last: Point,
}

fn middle(a: Point, b: Point) -> Point {
    Point::new((a.x + b.x) / 2.0, (a.y + b.y) / 2.0)
}

fn flipped(x: f32, y: f32) -> Point {
    Point::new(f64::from(x), -f64::from(y))
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.last = flipped(x, y);
        self.segs.push(Seg::Move(self.last));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.last = flipped(x, y);
        self.segs.push(Seg::Line(self.last));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.last = flipped(x, y);
        self.segs.push(Seg::Quad(flipped(x1, y1), self.last));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (start, c1, c2, end) = (self.last, flipped(x1, y1), flipped(x2, y2), flipped(x, y));
        // Cut in two at the middle; each half is close to the quadratic curve with the same tangents.
        let (left, right) = (middle(start, c1), middle(c2, end));
        let cross = middle(c1, c2);
        let (left2, right2) = (middle(left, cross), middle(cross, right));
        let half = middle(left2, right2);
        let control = |a: Point, b: Point, from: Point, to: Point| {
            Point::new((3.0 * (a.x + b.x) - from.x - to.x) / 4.0, (3.0 * (a.y + b.y) - from.y - to.y) / 4.0)
        };
        self.segs.push(Seg::Quad(control(left, left2, start, half), half));
        self.segs.push(Seg::Quad(control(right2, right, half, end), end));
        self.last = end;
    }

    fn close(&mut self) {
        self.segs.push(Seg::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_one_width_and_what_we_write_is_in_the_font() {
        for weight in [Weight::Regular, Weight::SemiBold] {
            let wide = |text: &str| width(text, 1_000.0, weight);
            assert!((0..10).all(|d| (wide(&d.to_string()) - wide("0")).abs() < 2.0));
            for text in ["Größe", "→…·–—≤≥µ×±%", "πλ", "Привет"] {
                assert!(glyphs(text, weight).all(|glyph| glyph.id != 0), "{text}");
            }
        }
    }

    #[test]
    fn no_line_of_a_question_is_left_with_a_word() {
        let question = "An endpoint computes for 2 ms and waits 12 ms for others. Threads or processes, on a machine of four cores?";
        let lines = balanced(question, 14.0, Weight::Regular, 600.0, 3);
        let wide: Vec<f64> = lines.iter().map(|line| width(line, 14.0, Weight::Regular)).collect();
        assert!(lines.len() == 2 && wide[1] > 0.6 * wide[0], "{lines:?}");
        assert_eq!(lines.join(" "), question);
        assert_eq!(balanced("short", 14.0, Weight::Regular, 760.0, 3), ["short"]);
    }

    #[test]
    fn what_is_cut_fits_and_keeps_its_end() {
        let name = "a_service_with_a_name_of_forty_letters_7";
        let cut = fit(name, 14.0, Weight::SemiBold, 118.0);
        assert!(
            width(&cut, 14.0, Weight::SemiBold) <= 118.0 && cut.ends_with("_7") && cut.starts_with("a_serv"),
            "{cut}"
        );
        assert_eq!(fit("short", 14.0, Weight::Regular, 118.0), "short");
        assert_eq!(fit("anything", 14.0, Weight::Regular, 2.0), "");
    }

    #[test]
    fn lines_are_no_wider_than_their_room() {
        let text = "How many words does a question have, and where do the lines end that a page is made of?";
        let lines = wrap(text, 14.0, Weight::Regular, 150.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| width(line, 14.0, Weight::Regular) <= 150.0), "{lines:?}");
        assert!(lines[2].ends_with('…'));
        assert_eq!(wrap(text, 14.0, Weight::Regular, 2_000.0, 3), [text]);
    }
}
