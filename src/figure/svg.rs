//! Scenes as SVG. Text is written as outlines, each character defined once, so that the picture looks the same wherever
//! it is opened: viewers differ in what fonts they have, and many ignore one that a file brings along. The words stay in
//! the file as labels for screen readers and searches.

use super::icons;
use super::scene::{Dash, Item, Label, Paint, Point, Scene, Seg, Shape};
use super::text::{self, Weight};
use super::theme::Color;
use crate::base::plain;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A scene as an SVG document. With `size` (pixels) it is drawn as large as fits there, in the middle.
pub fn write(scene: &Scene, title: &str, size: Option<(u32, u32)>) -> String {
    let mut out = String::with_capacity(200 * scene.items.len() + 20_000);
    let (width, height) = size.map_or((scene.width, scene.height), |(w, h)| (f64::from(w), f64::from(h)));
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\">\n<title>{}</title>\n",
        Number(width),
        Number(height),
        Number(width),
        Number(height),
        Escaped(title)
    );
    let visible = definitions(&mut out, scene);
    if let Some(background) = scene.background {
        let _ =
            writeln!(out, "<path d=\"M0 0H{}V{}H0z\" fill=\"{}\"/>", Number(width), Number(height), Hex(background));
    }
    if size.is_some() {
        let scale = (width / scene.width).min(height / scene.height);
        let (dx, dy) = ((width - scene.width * scale) / 2.0, (height - scene.height * scale) / 2.0);
        let _ = writeln!(out, "<g transform=\"translate({} {}) scale({scale:.5})\">", Number(dx), Number(dy));
    }
    for item in &scene.items {
        draw(&mut out, item, &visible);
    }
    out.push_str(if size.is_some() { "</g>\n</svg>\n" } else { "</svg>\n" });
    out
}

/// Characters that are not blank.
type Visible = BTreeSet<(Weight, u16)>;

/// The characters and icons that the scene uses.
fn definitions(out: &mut String, scene: &Scene) -> Visible {
    let (mut glyphs, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for item in &scene.items {
        match &item.shape {
            Shape::Text(label) => {
                glyphs.extend(text::glyphs(&label.text, label.weight).map(|glyph| (label.weight, glyph.id)));
            }
            Shape::Icon { kind, .. } => drop(kinds.insert(*kind)),
            _ => {}
        }
    }
    out.push_str("<defs>\n");
    glyphs.retain(|&(weight, glyph)| {
        let outline = text::outline(glyph, weight);
        if !outline.is_empty() {
            let _ = write!(out, "<path id=\"{}\" d=\"", GlyphName(weight, glyph));
            path(out, &outline, 0);
            out.push_str("\"/>\n");
        }
        !outline.is_empty()
    });
    for kind in kinds {
        let (attributes, content) = icons::source(kind);
        let _ = writeln!(out, "<symbol id=\"icon-{kind}\" {attributes}>{content}</symbol>");
    }
    out.push_str("</defs>\n");
    glyphs
}

fn draw(out: &mut String, item: &Item, visible: &Visible) {
    match &item.shape {
        Shape::Box { rect, radius } => {
            let _ = write!(
                out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
                Number(rect.x),
                Number(rect.y),
                Number(rect.w),
                Number(rect.h)
            );
            if *radius > 0.0 {
                let _ = write!(out, " rx=\"{}\"", Number(*radius));
            }
            paint(out, &item.paint);
            out.push_str("/>\n");
        }
        Shape::Circle { center, radius } => {
            let (x, y) = (Number(center.x), Number(center.y));
            let _ = write!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\"", Number(*radius));
            paint(out, &item.paint);
            out.push_str("/>\n");
        }
        Shape::Path(segs) => {
            out.push_str("<path d=\"");
            path(out, segs, 2);
            out.push('"');
            paint(out, &item.paint);
            out.push_str("/>\n");
        }
        Shape::Text(label) => words(out, label, &item.paint, visible),
        Shape::Icon { kind, rect } => {
            let color = item.paint.fill.map_or(String::new(), |color| format!(" color=\"{}\"", Hex(color)));
            let _ = writeln!(
                out,
                "<use href=\"#icon-{kind}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{color}/>",
                Number(rect.x),
                Number(rect.y),
                Number(rect.w),
                Number(rect.h)
            );
        }
    }
}

fn words(out: &mut String, label: &Label, how: &Paint, visible: &Visible) {
    let scale = label.size / text::units(label.weight);
    let (x, y) = (Number(label.left()), Number(label.at.y));
    let _ = write!(
        out,
        "<g role=\"text\" aria-label=\"{}\" transform=\"translate({x} {y}) scale({scale:.6})\"",
        Escaped(&label.text)
    );
    paint(out, how);
    out.push('>');
    let mut along = 0u32;
    for glyph in text::glyphs(&label.text, label.weight) {
        if visible.contains(&(label.weight, glyph.id)) {
            let _ = write!(out, "<use href=\"#{}\"", GlyphName(label.weight, glyph.id));
            if along > 0 {
                let _ = write!(out, " x=\"{along}\"");
            }
            out.push_str("/>");
        }
        along += u32::from(glyph.advance);
    }
    out.push_str("</g>\n");
}

fn path(out: &mut String, segs: &[Seg], decimals: usize) {
    let point = |out: &mut String, p: Point| {
        let (x, y) = (Rounded(p.x, decimals), Rounded(p.y, decimals));
        let _ = write!(out, "{x} {y}");
    };
    for seg in segs {
        match *seg {
            Seg::Move(p) => {
                out.push('M');
                point(out, p);
            }
            Seg::Line(p) => {
                out.push('L');
                point(out, p);
            }
            Seg::Quad(control, p) => {
                out.push('Q');
                point(out, control);
                out.push(' ');
                point(out, p);
            }
            Seg::Close => out.push('z'),
        }
    }
}

fn paint(out: &mut String, paint: &Paint) {
    match paint.fill {
        Some(fill) => drop(write!(out, " fill=\"{}\"", Hex(fill))),
        None => out.push_str(" fill=\"none\""),
    }
    if let Some(stroke) = &paint.stroke {
        let width = stroke.width;
        let _ = write!(out, " stroke=\"{}\" stroke-width=\"{}\"", Hex(stroke.color), Number(width));
        match stroke.dash {
            Dash::Solid => {}
            Dash::Dashed => {
                let _ =
                    write!(out, " stroke-dasharray=\"{} {}\"", Number(3.0 + 1.6 * width), Number(2.0 + 0.8 * width));
            }
            Dash::Dotted => {
                let gap = Number(2.0 + width);
                let _ = write!(out, " stroke-dasharray=\"0.1 {gap}\" stroke-linecap=\"round\"");
            }
        }
        out.push_str(" stroke-linejoin=\"round\"");
    }
}

struct GlyphName(Weight, u16);

impl std::fmt::Display for GlyphName {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}{}", if self.0 == Weight::Regular { 'r' } else { 's' }, self.1)
    }
}

/// At most two decimals, and none that say nothing.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        Rounded(self.0, 2).fmt(f)
    }
}

struct Rounded(f64, usize);

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let scale = if self.1 == 0 { 1.0 } else { 100.0 };
        let hundredths = (self.0 * scale).round();
        // Integers are written as such; this also makes -0 a 0.
        if hundredths % scale == 0.0 {
            write!(f, "{}", (hundredths / scale) as i64)
        } else if hundredths % 10.0 == 0.0 {
            write!(f, "{:.1}", hundredths / scale)
        } else {
            write!(f, "{:.2}", hundredths / scale)
        }
    }
}

struct Hex(Color);

impl std::fmt::Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Color(r, g, b) = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// Text in an attribute or element; what XML cannot carry is replaced.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c => write!(f, "{}", plain::visible(c))?,
            }
        }
        Ok(())
    }
}
