//! The board on the screen: the second printer of the figure's primitives. It is egui that draws them, like the panels,
//! because its lines are smooth and its text is sharp at every zoom, on any graphics card.

use super::view::View;
use crate::figure::icons;
use crate::figure::scene::{Anchor, Dash, Item, Label, Paint, Point, Seg, Shape, Stroke};
use crate::figure::text::{self, Weight};
use crate::figure::theme::Color;
use egui::epaint::{CornerRadiusF32, Mesh, PathShape, PathStroke, RectShape, Vertex, WHITE_UV};
use egui::{Color32, FontData, FontDefinitions, FontFamily, FontId, Painter, Pos2, StrokeKind, TextureHandle, pos2};
use lyon_tessellation::math::point;
use lyon_tessellation::path::Path;
use lyon_tessellation::{BuffersBuilder, FillOptions, FillTessellator, FillVertex, VertexBuffers};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Text smaller than this, in points of the screen, is left out.
const SMALLEST_TEXT: f32 = 4.5;
/// A curve is drawn by so many lines.
const PIECES: u32 = 6;

/// The figure's fonts, for the board and for the panels.
pub fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    for (weight, family) in [(Weight::Regular, FontFamily::Proportional), (Weight::SemiBold, bold())] {
        let name = format!("Inter {weight:?}");
        fonts.font_data.insert(name.clone(), Arc::new(FontData::from_static(text::font(weight))));
        fonts.families.insert(family, vec![name]);
    }
    let regular = fonts.families[&FontFamily::Proportional].clone();
    fonts.families.insert(FontFamily::Monospace, regular);
    fonts
}

/// The heavier one.
pub fn bold() -> FontFamily {
    FontFamily::Name("bold".into())
}

pub fn color(color: Color) -> Color32 {
    Color32::from_rgb(color.0, color.1, color.2)
}

/// Prints primitives, and keeps what that needs.
#[derive(Default)]
pub struct Printer {
    icons: BTreeMap<&'static str, TextureHandle>,
    tessellator: FillTessellator,
}

/// Triangles that were made of primitives: they are painted again as long as nothing is different. To make them costs ten
/// times what painting them does.
#[derive(Default)]
pub struct Printed {
    of: Option<Circumstances>,
    meshes: Vec<egui::Shape>,
}

/// On what the triangles of a drawing depend.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Circumstances {
    view: View,
    seen: egui::Rect,
    pixels_per_point: f32,
    /// Of the texture that holds the letters: its size, and how full it is.
    letters: ([usize; 2], f32),
}

impl Circumstances {
    fn now(painter: &Painter, view: &View) -> Circumstances {
        let letters = painter.ctx().fonts(|fonts| (fonts.font_image_size(), fonts.font_atlas_fill_ratio()));
        let pixels_per_point = painter.ctx().pixels_per_point();
        Circumstances { view: *view, seen: painter.clip_rect(), pixels_per_point, letters }
    }

    /// Letters that were added since do not matter; if there are less, they have been set anew elsewhere.
    fn are_still(&self, now: &Circumstances) -> bool {
        let filled = now.letters.1 >= self.letters.1;
        filled && *self == Circumstances { letters: (now.letters.0, self.letters.1), ..*now }
    }
}

impl Printed {
    /// Whether the letters may have moved since: then there must be another frame.
    pub fn is_doubtful(&self, ctx: &egui::Context) -> bool {
        let size = ctx.fonts(|fonts| fonts.font_image_size());
        self.of.is_some_and(|of| of.letters.0 != size)
    }
}

impl Printer {
    /// Print primitives, or what was made of them before.
    pub fn print_again<'a>(
        &mut self,
        printed: &mut Printed,
        painter: &Painter,
        (view, origin): (&View, Point),
        items: impl Iterator<Item = &'a Item>,
    ) {
        if !printed.of.is_some_and(|of| of.are_still(&Circumstances::now(painter, view))) {
            let shapes = self.shapes(painter, view, origin, items);
            let clip_rect = painter.clip_rect();
            let shapes = shapes.into_iter().map(|shape| egui::epaint::ClippedShape { clip_rect, shape });
            let made = painter.ctx().tessellate(shapes.collect(), painter.ctx().pixels_per_point());
            let meshes = made.into_iter().filter_map(|made| match made.primitive {
                egui::epaint::Primitive::Mesh(mesh) => Some(egui::Shape::mesh(mesh)),
                egui::epaint::Primitive::Callback(_) => None,
            });
            // The letters are there now.
            *printed = Printed { meshes: meshes.collect(), of: Some(Circumstances::now(painter, view)) };
        }
        painter.extend(printed.meshes.iter().cloned());
    }

    /// Print primitives whose own origin lies at `origin` of the board.
    pub fn print<'a>(&mut self, painter: &Painter, view: &View, origin: Point, items: impl Iterator<Item = &'a Item>) {
        painter.extend(self.shapes(painter, view, origin, items));
    }

    fn shapes<'a>(
        &mut self,
        painter: &Painter,
        view: &View,
        origin: Point,
        items: impl Iterator<Item = &'a Item>,
    ) -> Vec<egui::Shape> {
        let mut shapes = Vec::new();
        let seen = painter.clip_rect();
        let at = |p: Point| view.to_screen(((p.x + origin.x) as f32, (p.y + origin.y) as f32));
        for item in items {
            let bounds = item.bounds();
            let room = egui::Rect::from_min_max(
                at(Point::new(bounds.x, bounds.y)),
                at(Point::new(bounds.right(), bounds.bottom())),
            );
            if room.expand(8.0).intersects(seen) {
                self.one(painter, view.zoom, &at, item, &mut shapes);
            }
        }
        shapes
    }

    fn one(
        &mut self,
        painter: &Painter,
        zoom: f32,
        at: &dyn Fn(Point) -> Pos2,
        item: &Item,
        shapes: &mut Vec<egui::Shape>,
    ) {
        match &item.shape {
            Shape::Box { rect, radius } => {
                let min = at(Point::new(rect.x, rect.y));
                let max = at(Point::new(rect.right(), rect.bottom()));
                let fill = item.paint.fill.map_or(Color32::TRANSPARENT, color);
                let radius = CornerRadiusF32::same(*radius as f32 * zoom);
                let stroke = item.paint.stroke.map_or(egui::Stroke::NONE, |stroke| line(&stroke, zoom));
                let room = egui::Rect::from_min_max(min, max);
                shapes.push(RectShape::new(room, radius, fill, stroke, StrokeKind::Middle).into());
            }
            Shape::Circle { center, radius } => {
                let (center, radius) = (at(*center), *radius as f32 * zoom);
                let stroke = item.paint.stroke.map_or(egui::Stroke::NONE, |stroke| line(&stroke, zoom));
                match item.paint.fill.map(color) {
                    // Two discs, for which there are pictures, look the same as one with a rim, which is many triangles.
                    Some(fill) => {
                        let half = stroke.width / 2.0;
                        if half > 0.0 {
                            shapes.push(egui::Shape::circle_filled(center, radius + half, stroke.color));
                        }
                        shapes.push(egui::Shape::circle_filled(center, radius - half, fill));
                    }
                    None => shapes.push(egui::Shape::circle_stroke(center, radius, stroke)),
                }
            }
            Shape::Path(segs) => self.path(zoom, at, segs, &item.paint, shapes),
            Shape::Text(label) => shapes.extend(write(painter, zoom, at, label, item.paint.fill)),
            Shape::Icon { kind, rect } => {
                let room = egui::Rect::from_min_max(
                    at(Point::new(rect.x, rect.y)),
                    at(Point::new(rect.right(), rect.bottom())),
                );
                let tint = item.paint.fill.map_or(Color32::WHITE, color);
                shapes.push(self.icon(painter.ctx(), kind, room, tint));
            }
        }
    }

    /// The icon of a kind, in a colour.
    pub fn icon(&mut self, ctx: &egui::Context, kind: &'static str, room: egui::Rect, tint: Color32) -> egui::Shape {
        let texture = self.icons.entry(kind).or_insert_with(|| {
            let image = icons::rasterized(kind, ICON_PIXELS);
            let image = egui::ColorImage::from_rgba_unmultiplied([ICON_PIXELS as usize; 2], &image);
            ctx.load_texture(format!("icon {kind}"), image, egui::TextureOptions::LINEAR)
        });
        let whole = egui::Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        egui::Shape::image(texture.id(), room, whole, tint)
    }

    fn path(
        &mut self,
        zoom: f32,
        at: &dyn Fn(Point) -> Pos2,
        segs: &[Seg],
        paint: &Paint,
        shapes: &mut Vec<egui::Shape>,
    ) {
        for (points, closed) in subpaths(segs, at) {
            if let Some(fill) = paint.fill {
                shapes.push(self.filled(&points, color(fill)).into());
            }
            let Some(stroke) = &paint.stroke else { continue };
            let (pen, width) = (line(stroke, zoom), (stroke.width as f32 * zoom).max(0.8));
            let dashes = match stroke.dash {
                Dash::Solid => None,
                Dash::Dashed => Some((3.2 * width, 2.2 * width)),
                Dash::Dotted => Some((width, 1.8 * width)),
            };
            match dashes {
                Some((dash, gap)) => {
                    shapes.extend(egui::Shape::dashed_line(&points, pen, dash, gap));
                }
                None => {
                    let (fill, stroke) = (Color32::TRANSPARENT, PathStroke::from(pen));
                    shapes.push(PathShape { points, closed, fill, stroke }.into());
                }
            }
        }
    }

    /// A filled outline of any form.
    fn filled(&mut self, points: &[Pos2], fill: Color32) -> Mesh {
        let mut mesh = Mesh::default();
        let Some((first, rest)) = points.split_first().filter(|(_, rest)| rest.len() > 1) else { return mesh };
        let mut path = Path::builder();
        path.begin(point(first.x, first.y));
        for p in rest {
            path.line_to(point(p.x, p.y));
        }
        path.end(true);
        let mut buffers: VertexBuffers<Pos2, u32> = VertexBuffers::new();
        let mut builder =
            BuffersBuilder::new(&mut buffers, |vertex: FillVertex| pos2(vertex.position().x, vertex.position().y));
        let options = FillOptions::default().with_tolerance(0.2);
        // What cannot be filled (a coordinate that is no number) is left out rather than drawn wrong.
        if self.tessellator.tessellate_path(&path.build(), &options, &mut builder).is_ok() {
            mesh.vertices = buffers.vertices.into_iter().map(|pos| Vertex { pos, uv: WHITE_UV, color: fill }).collect();
            mesh.indices = buffers.indices;
        }
        mesh
    }
}

const ICON_PIXELS: u32 = 96;

fn line(stroke: &Stroke, zoom: f32) -> egui::Stroke {
    egui::Stroke::new((stroke.width as f32 * zoom).max(0.8), color(stroke.color))
}

/// The pieces of a path as lines on the screen, and whether each is closed.
fn subpaths(segs: &[Seg], at: &dyn Fn(Point) -> Pos2) -> Vec<(Vec<Pos2>, bool)> {
    let mut all: Vec<(Vec<Pos2>, bool)> = Vec::new();
    for seg in segs {
        match (*seg, all.last_mut()) {
            (Seg::Move(p), _) => all.push((vec![at(p)], false)),
            (Seg::Line(p), Some((points, _))) => points.push(at(p)),
            (Seg::Quad(control, end), Some((points, _))) => {
                let (from, control, end) = (points[points.len() - 1], at(control), at(end));
                for i in 1..=PIECES {
                    let t = i as f32 / PIECES as f32;
                    let (a, b) = (from.lerp(control, t), control.lerp(end, t));
                    points.push(a.lerp(b, t));
                }
            }
            (Seg::Close, Some((_, closed))) => *closed = true,
            _ => {}
        }
    }
    all.retain(|(points, _)| points.len() > 1);
    all
}

/// A line of text on its base line, if it can be read.
fn write(
    painter: &Painter,
    zoom: f32,
    at: &dyn Fn(Point) -> Pos2,
    label: &Label,
    fill: Option<Color>,
) -> Option<egui::Shape> {
    // Sizes in quarters, so that zooming does not fill the memory for glyphs.
    let quarter = |size: f32| (size * 4.0).floor() / 4.0;
    let mut size = quarter(label.size as f32 * zoom);
    if size < SMALLEST_TEXT {
        return None;
    }
    let family = match label.weight {
        Weight::Regular => FontFamily::Proportional,
        Weight::SemiBold => bold(),
    };
    let fill = fill.map_or(Color32::TRANSPARENT, color);
    let set = |size: f32| painter.layout_no_wrap(label.text.clone(), FontId::new(size, family.clone()), fill);
    let mut galley = set(size);
    // Letters stand on whole pixels here, which makes small ones wider than the figure has reckoned with.
    let room = label.width() as f32 * zoom;
    if galley.size().x > room + 1.0 {
        size = quarter(size * room / galley.size().x).max(SMALLEST_TEXT);
        galley = set(size);
    }
    let base = galley.rows.first().and_then(|row| Some(row.pos.y + row.glyphs.first()?.pos.y)).unwrap_or(size);
    let left = match label.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => galley.size().x / 2.0,
        Anchor::End => galley.size().x,
    };
    let place = at(label.at);
    Some(egui::Shape::galley(pos2(place.x - left, place.y - base), galley, fill))
}
