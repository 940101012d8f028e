//! The primitives of a picture: a flat list, from the back to the front. A printer (SVG here, a canvas elsewhere) draws
//! them and decides nothing; each carries what it belongs to and its role there, so that a canvas can keep what stays.

use super::text::{self, Weight};
use super::theme::Color;
use std::sync::Arc;

/// A place, in pixels at 100 %; y grows downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

impl Point {
    pub const fn new(x: f64, y: f64) -> Point {
        Point { x, y }
    }
}

/// A rectangle by its upper left corner and its size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Rect {
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Rect {
        Rect { x, y, w, h }
    }

    pub fn right(&self) -> f64 {
        self.x + self.w
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    pub fn center(&self) -> Point {
        Point::new(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Larger by so much on every side; smaller if negative.
    #[must_use]
    pub fn grown(&self, by: f64) -> Rect {
        Rect::new(self.x - by, self.y - by, self.w + 2.0 * by, self.h + 2.0 * by)
    }

    #[must_use]
    pub fn moved(&self, dx: f64, dy: f64) -> Rect {
        Rect { x: self.x + dx, y: self.y + dy, ..*self }
    }

    pub fn overlaps(&self, other: &Rect) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether the other lies in it.
    pub fn contains(&self, other: &Rect) -> bool {
        self.x <= other.x && other.right() <= self.right() && self.y <= other.y && other.bottom() <= self.bottom()
    }

    /// The smallest rectangle around both.
    #[must_use]
    pub fn union(&self, other: &Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Rect::new(x, y, self.right().max(other.right()) - x, self.bottom().max(other.bottom()) - y)
    }

    /// The smallest rectangle around all.
    pub fn around(rects: impl IntoIterator<Item = Rect>) -> Option<Rect> {
        rects.into_iter().reduce(|a, b| a.union(&b))
    }
}

/// What a primitive belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Page,
    Legend,
    /// A node, by its name.
    Node(Arc<str>),
    /// A link, by its name.
    Link(Arc<str>),
    /// A plot, by its position.
    Plot(u32),
}

/// A piece of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seg {
    Move(Point),
    Line(Point),
    /// Control point and end.
    Quad(Point, Point),
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text; `at` is on its base line.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub at: Point,
    pub anchor: Anchor,
    pub size: f64,
    pub weight: Weight,
    pub text: String,
}

impl Label {
    pub fn width(&self) -> f64 {
        text::width(&self.text, self.size, self.weight)
    }

    /// Where it begins.
    pub fn left(&self) -> f64 {
        match self.anchor {
            Anchor::Start => self.at.x,
            Anchor::Middle => self.at.x - self.width() / 2.0,
            Anchor::End => self.at.x - self.width(),
        }
    }

    /// The room that it takes, from the top of capitals to below the base line.
    pub fn bounds(&self) -> Rect {
        Rect::new(self.left(), self.at.y - 0.76 * self.size, self.width(), 0.98 * self.size)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Box {
        rect: Rect,
        radius: f64,
    },
    Circle {
        center: Point,
        radius: f64,
    },
    Path(Vec<Seg>),
    Text(Label),
    /// The icon of a kind.
    Icon {
        kind: &'static str,
        rect: Rect,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dash {
    #[default]
    Solid,
    Dashed,
    Dotted,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    pub color: Color,
    pub width: f64,
    pub dash: Dash,
}

impl Stroke {
    pub const fn solid(color: Color, width: f64) -> Stroke {
        Stroke { color, width, dash: Dash::Solid }
    }
}

/// How a shape is filled and outlined. Text and icons are filled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Paint {
    pub fill: Option<Color>,
    pub stroke: Option<Stroke>,
}

impl Paint {
    pub const fn fill(color: Color) -> Paint {
        Paint { fill: Some(color), stroke: None }
    }

    pub const fn line(color: Color, width: f64) -> Paint {
        Paint { fill: None, stroke: Some(Stroke::solid(color, width)) }
    }

    #[must_use]
    pub const fn outlined(self, color: Color, width: f64) -> Paint {
        Paint { stroke: Some(Stroke::solid(color, width)), ..self }
    }
}

/// A primitive, with what it belongs to and its role there.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub owner: Owner,
    pub slot: &'static str,
    pub shape: Shape,
    pub paint: Paint,
}

impl Item {
    /// The room that it takes, without its outline.
    pub fn bounds(&self) -> Rect {
        match &self.shape {
            Shape::Box { rect, .. } | Shape::Icon { rect, .. } => *rect,
            Shape::Circle { center, radius } => Rect::new(center.x, center.y, 0.0, 0.0).grown(*radius),
            Shape::Text(label) => label.bounds(),
            Shape::Path(segs) => {
                let points = segs.iter().flat_map(|seg| match *seg {
                    Seg::Move(p) | Seg::Line(p) => vec![p],
                    Seg::Quad(control, p) => vec![control, p],
                    Seg::Close => vec![],
                });
                Rect::around(points.map(|p| Rect::new(p.x, p.y, 0.0, 0.0))).unwrap_or_default()
            }
        }
    }
}

/// A picture, or a part of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    pub width: f64,
    pub height: f64,
    /// None: nothing behind the picture.
    pub background: Option<Color>,
    pub items: Vec<Item>,
}

impl Scene {
    /// Everything of another scene in front of what is here, moved by so much.
    pub fn append(&mut self, other: Scene, dx: f64, dy: f64) {
        self.items.extend(other.items.into_iter().map(|mut item| {
            item.shape.shift(dx, dy);
            item
        }));
    }

    /// The room that all primitives take.
    pub fn bounds(&self) -> Option<Rect> {
        Rect::around(self.items.iter().map(Item::bounds))
    }
}

impl Shape {
    fn shift(&mut self, dx: f64, dy: f64) {
        let shift = |p: &mut Point| {
            p.x += dx;
            p.y += dy;
        };
        match self {
            Shape::Box { rect, .. } | Shape::Icon { rect, .. } => *rect = rect.moved(dx, dy),
            Shape::Circle { center, .. } => shift(center),
            Shape::Text(label) => shift(&mut label.at),
            Shape::Path(segs) => segs.iter_mut().for_each(|seg| match seg {
                Seg::Move(p) | Seg::Line(p) => shift(p),
                Seg::Quad(control, p) => {
                    shift(control);
                    shift(p);
                }
                Seg::Close => {}
            }),
        }
    }
}

/// Draws primitives of one owner.
pub struct Pen<'a> {
    pub items: &'a mut Vec<Item>,
    pub owner: Owner,
}

impl Pen<'_> {
    pub fn draw(&mut self, slot: &'static str, shape: Shape, paint: Paint) {
        self.items.push(Item { owner: self.owner.clone(), slot, shape, paint });
    }

    pub fn rect(&mut self, slot: &'static str, rect: Rect, radius: f64, paint: Paint) {
        if rect.w > 0.0 && rect.h > 0.0 {
            self.draw(slot, Shape::Box { rect, radius }, paint);
        }
    }

    pub fn circle(&mut self, slot: &'static str, center: Point, radius: f64, paint: Paint) {
        self.draw(slot, Shape::Circle { center, radius }, paint);
    }

    pub fn line(&mut self, slot: &'static str, from: Point, to: Point, stroke: Stroke) {
        let path = Shape::Path(vec![Seg::Move(from), Seg::Line(to)]);
        self.draw(slot, path, Paint { fill: None, stroke: Some(stroke) });
    }

    pub fn polygon(&mut self, slot: &'static str, points: &[Point], paint: Paint) {
        let mut segs = polyline(points);
        segs.push(Seg::Close);
        self.draw(slot, Shape::Path(segs), paint);
    }

    pub fn diamond(&mut self, slot: &'static str, c: Point, r: f64, paint: Paint) {
        let points = [(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)].map(|(x, y)| Point::new(c.x + x, c.y + y));
        self.polygon(slot, &points, paint);
    }

    pub fn text(&mut self, slot: &'static str, label: Label, color: Color) {
        if !label.text.is_empty() {
            self.draw(slot, Shape::Text(label), Paint::fill(color));
        }
    }

    /// Lines at 45 degrees across a rectangle: a fill that needs no colour.
    pub fn hatch(&mut self, slot: &'static str, rect: Rect, step: f64, stroke: Stroke) {
        let mut segs = Vec::new();
        let mut offset = step / 2.0;
        while offset < rect.w + rect.h && segs.len() < 2_000 {
            // From the upper or right edge down to the left or lower edge.
            let start = Point::new(rect.x + offset.min(rect.w), rect.y + (offset - rect.w).max(0.0));
            let end = Point::new(rect.x + (offset - rect.h).max(0.0), rect.y + offset.min(rect.h));
            segs.extend([Seg::Move(start), Seg::Line(end)]);
            offset += step;
        }
        if !segs.is_empty() {
            self.draw(slot, Shape::Path(segs), Paint { fill: None, stroke: Some(stroke) });
        }
    }
}

/// Straight lines from point to point.
pub fn polyline(points: &[Point]) -> Vec<Seg> {
    let seg = |(i, p): (usize, &Point)| if i == 0 { Seg::Move(*p) } else { Seg::Line(*p) };
    points.iter().enumerate().map(seg).collect()
}
