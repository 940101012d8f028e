//! The board in the window: what is drawn under and over the figure's primitives, and what pointer and wheel do.

use super::app::App;
use super::hit::{self, Targets};
use super::panels::dock::Tab;
use super::panels::trace::Trace;
use super::theme::Name;
use super::{canvas, theme};
use crate::base::short;
use crate::design::{Design, LinkSpec};
use crate::editor::{Area, Cursor, Guide, Hit, Input, Modifiers, Side, Target, Tool};
use crate::engine::Journey;
use crate::figure::board::{self, Board, Places};
use crate::figure::dots::{self, Sampling};
use crate::figure::scene::{Item, Owner};
use crate::figure::{Detail, Lens};
use crate::metrics::{Frame, Token};
use crate::run::Speed;
use egui::epaint::Mesh;
use egui::{
    Color32, CursorIcon, Painter, PointerButton, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};
use std::sync::Arc;

/// Between two drawings of a board whose run plays, in seconds: what changes faster cannot be read.
const REDRAWN: f64 = 0.1;
/// The same for each of very many cards, so that to draw them takes but a small part of the time.
const REDRAWN_EACH: f64 = 0.000_6;
/// How far the mark of a failed call falls, in pixels of the board.
const FALL: f32 = 24.0;
/// Pixels of the board between two dots of the grid.
const GRID: f32 = 24.0;

/// A rectangle on the board as the editor has it.
pub fn area(rect: Rect) -> Area {
    Area { min: (rect.left(), rect.top()), max: (rect.right(), rect.bottom()) }
}

fn around(cards: impl Iterator<Item = Rect>) -> Option<Area> {
    cards.reduce(|a, b| a.union(b)).map(area)
}

/// Where the cards stand.
fn standing(design: &Design) -> Vec<Option<crate::editor::Point>> {
    design.nodes.values().map(|node| node.at).collect()
}

/// Show all that is selected.
pub fn fit_selection(app: &mut App) {
    let selected = app.targets.cards.iter().filter(|(name, _)| app.editor.selection().has_node(name));
    if let Some(area) = around(selected.map(|(_, card)| *card)) {
        app.view.fit(area, app.screen);
    }
}

/// What was drawn of a design and a frame: it is kept until one of them is another.
pub struct Sheet {
    design: Arc<Design>,
    /// None where nothing runs.
    frame: Option<Arc<Frame>>,
    view: board::View,
    theme: Name,
    drawn: Board,
    /// The triangles of it, and the link that was left out.
    printed: (canvas::Printed, Option<String>),
    /// When, in seconds of the window.
    at: f64,
}

/// Whether letters may have moved after the board was drawn, so that it must be drawn again.
pub fn is_doubtful(app: &App, ctx: &egui::Context) -> bool {
    app.sheet.as_ref().is_some_and(|sheet| sheet.printed.0.is_doubtful(ctx))
}

/// Draw the board anew if something is different; while a run plays not more often than one can read.
fn draw(app: &mut App, now: f64) -> Sheet {
    let frame = app.snapshot.as_ref().map(|snapshot| snapshot.frame.clone());
    let playing = app.snapshot.as_ref().is_some_and(|snapshot| snapshot.playing && !snapshot.over);
    let lens = if frame.is_some() { app.lens } else { Lens::None };
    let (design, theme) = (app.editor.shown().clone(), app.look.name);
    let view = board::View { lens, detail: Detail::at(f64::from(app.view.zoom)), places: Places::Exact };
    let is_current = |sheet: &Sheet| {
        let same = Arc::ptr_eq(&sheet.design, &design) && (sheet.view, sheet.theme) == (view, theme);
        let same_frame = sheet.frame.as_ref().map(Arc::as_ptr) == frame.as_ref().map(Arc::as_ptr);
        let rest = REDRAWN.max(REDRAWN_EACH * design.nodes.len() as f64);
        same && (same_frame || playing && now - sheet.at < rest)
    };
    if let Some(sheet) = app.sheet.take_if(|sheet| is_current(sheet)) {
        return sheet;
    }
    // Dots are drawn by themselves, for they move.
    let without = |frame: &Arc<Frame>| Frame { tokens: Vec::new(), ..(**frame).clone() };
    let without = frame.as_ref().map_or_else(Frame::default, without);
    let drawn = board::draw(&design, &without, &app.look.theme(), view, &mut app.memory);
    app.targets = Targets::of(&design, &drawn);
    Sheet { design, frame, view, theme, drawn, printed: Default::default(), at: now }
}

pub fn show(app: &mut App, ui: &mut Ui) {
    let now = ui.input(|input| input.time);
    let (response, painter) = ui.allocate_painter(ui.available_size(), Sense::click_and_drag());
    if app.screen.size() != response.rect.size()
        && app
            .as_fitted
            .as_ref()
            .is_some_and(|(view, places)| *view == app.view && *places == standing(app.editor.shown()))
    {
        app.fitted = false;
    }
    (app.screen, app.board) = (response.rect, response.id);
    let colors = app.look.theme();
    painter.rect_filled(response.rect, 0.0, canvas::color(colors.background));
    let mut sheet = draw(app, now);
    if !app.fitted {
        app.fitted = true;
        // Where there is nothing yet, the first card stays where it is put.
        app.as_fitted = around(app.targets.cards.iter().map(|(_, card)| card.expand(12.0))).map(|area| {
            app.view.fit(area, response.rect);
            (app.view, standing(&sheet.design))
        });
    }
    app.editor.set_zoom(app.view.zoom);
    navigate(app, ui, &response);
    let hit = pointer(app, ui, &response, &sheet);
    if app.panels.grid {
        grid(app, &painter, response.rect);
    }
    under(app, &painter);
    let hidden = app.editor.overlay().wire.as_ref().and_then(|wire| wire.instead_of);
    let hidden = hidden.and_then(|number| sheet.design.links.get(number)).map(LinkSpec::name);
    let is_kept =
        |item: &&Item| !matches!((&item.owner, &hidden), (Owner::Link(name), Some(hidden)) if **name == **hidden);
    if sheet.printed.1 != hidden {
        sheet.printed = (canvas::Printed::default(), hidden.clone());
    }
    let items = sheet.drawn.scene.items.iter().filter(is_kept);
    app.printer.print_again(&mut sheet.printed.0, &painter, (&app.view, sheet.drawn.origin), items);
    dots(app, &painter, &sheet, now);
    over(app, &painter, &hit);
    hint(app, &painter);
    if sheet.design.nodes.is_empty() {
        let words = "Drag a kind from the palette, or double-click here.";
        painter.text(
            response.rect.center(),
            egui::Align2::CENTER_CENTER,
            words,
            egui::FontId::proportional(16.0),
            canvas::color(colors.muted),
        );
    }
    app.sheet = Some(sheet);
}

/// The calls on the way, and those that have failed just now.
fn dots(app: &mut App, painter: &Painter, sheet: &Sheet, now: f64) {
    app.dots = 0;
    if app.look.still || sheet.view.lens == Lens::None {
        return;
    }
    let Some(frame) = app.snapshot.as_ref().map(|snapshot| snapshot.frame.clone()) else { return };
    let (played, marks) = app.motion.tokens();
    let tokens = if app.motion.is_stretched { &played } else { &frame.tokens };
    let (ways, colors) = (&sheet.drawn.ways, app.look.theme());
    let detail = sheet.view.detail;
    app.motion.sample(frame.sampling, frame.links.len());
    let full = dots::fullness(app.motion.crowding(tokens, &marks), &frame.links, ways, detail);
    app.motion.fit(frame.sampling, &full, now);
    let mut items = Vec::new();
    let every = &app.motion.every;
    dots::draw((tokens, every), &frame.links, ways, detail, &colors, (&mut items, &mut Default::default()));
    app.dots = items.len();
    app.printer.print(painter, &app.view, sheet.drawn.origin, items.iter());
    let pen = canvas::color(colors.failing);
    for mark in marks.iter().filter(|mark| mark.is_drawn(every)) {
        let Some(link) = frame.links.get(mark.link) else { continue };
        let Some(at) = app.targets.on_link(&sheet.design, &link.name, mark.way) else { continue };
        let age = mark.age as f32;
        let center = app.view.to_screen((at.x, at.y)) + vec2(0.0, FALL * age * app.view.zoom);
        let stroke = Stroke::new(2.0, pen.gamma_multiply(1.0 - age));
        for side in [-1.0, 1.0] {
            let arm = vec2(4.0, 4.0 * side);
            painter.line_segment([center - arm, center + arm], stroke);
        }
    }
}

/// The request whose dot is under the pointer, while the run rests.
fn dot_at(app: &App, sheet: &Sheet, place: Pos2) -> Option<Arc<Journey>> {
    let snapshot = app.snapshot.as_ref().filter(|snapshot| !snapshot.playing && !app.look.still)?;
    let (played, _) = app.motion.tokens();
    let tokens = if app.motion.is_stretched { &played } else { &snapshot.frame.tokens };
    let shown = tokens.iter().filter(|token| dots::is_drawn(token, &app.motion.every));
    let distance = |token: &Token| {
        let link = snapshot.frame.links.get(token.link)?;
        let at = sheet.drawn.ways.iter().find(|way| way.link == link.name)?.dot(token);
        let at = ((at.x + sheet.drawn.origin.x) as f32, (at.y + sheet.drawn.origin.y) as f32);
        Some(app.view.to_screen(at).distance(place)).filter(|distance| *distance <= hit::NEAR)
    };
    let near = shown.filter_map(|token| Some((distance(token)?, token)));
    let (_, token) = near.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    app.motion.journey(snapshot, token)
}

/// Wheel, middle button, and space or the hand with the main button: the board moves.
fn navigate(app: &mut App, ui: &Ui, response: &Response) {
    let hand = is_hand(app, ui);
    let dragged = response.dragged_by(PointerButton::Middle)
        || response.dragged_by(PointerButton::Secondary)
        || hand && response.dragged_by(PointerButton::Primary);
    if dragged {
        app.view.pan(response.drag_delta());
        if response.drag_delta() != egui::Vec2::ZERO {
            app.space = None;
        }
    }
    let Some(pointer) = response.hover_pos() else { return };
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
    if pinch != 1.0 {
        app.view.zoom_at(pointer, pinch);
    } else if scroll.y != 0.0 {
        app.view.zoom_at(pointer, (scroll.y / 240.0).exp2());
    } else if scroll.x != 0.0 {
        app.view.pan(vec2(scroll.x, 0.0));
    }
}

/// Whether the main button moves the board: not in the middle of a gesture.
fn is_hand(app: &App, ui: &Ui) -> bool {
    let space = ui.input(|input| input.key_down(egui::Key::Space));
    !app.editor.is_busy() && (app.editor.tool() == Tool::Hand || space)
}

fn held(ui: &Ui) -> Modifiers {
    ui.input(|input| Modifiers {
        ctrl: input.modifiers.command,
        shift: input.modifiers.shift,
        alt: input.modifiers.alt,
    })
}

/// What the pointer does to the design. Returns what it is on.
fn pointer(app: &mut App, ui: &Ui, response: &Response, sheet: &Sheet) -> Hit {
    let now = ui.input(|input| input.time);
    let Some(place) =
        response.hover_pos().or(ui.input(|input| input.pointer.latest_pos()).filter(|_| app.editor.is_busy()))
    else {
        return Hit::Empty;
    };
    app.pointer = Some(place);
    let at = app.view.to_board(place);
    let hit = find(app, at);
    let hand = is_hand(app, ui);
    let held = held(ui);
    let dot = if app.editor.is_busy() || hand { None } else { dot_at(app, sheet, place) };
    let released = ui.input(|input| input.pointer.primary_released());
    if released && app.editor.is_busy() && !response.rect.contains(place) && app.editor.overlay().marquee.is_none() {
        // Over a panel nothing can be dropped.
        app.editor.cancel();
    } else if let Some(journey) = dot {
        ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        if response.clicked() {
            app.trace = app.snapshot.as_ref().map(|snapshot| Trace::of(snapshot, journey));
            (app.panels.plots, app.dock.tab) = (true, Tab::Trace);
        }
        return hit;
    } else if !hand {
        let pressed = response.contains_pointer() && ui.input(|input| input.pointer.primary_pressed());
        let mut inputs = Vec::new();
        if response.double_clicked() {
            inputs.push(Input::DoubleClick { at, hit: hit.clone() });
        } else if pressed {
            // Where it was pressed, which on a slow machine is not where the pointer is now.
            let at = app.view.to_board(ui.input(|input| input.pointer.press_origin()).unwrap_or(place));
            inputs.push(Input::Press { at, hit: find(app, at), held });
        } else if !released {
            inputs.push(Input::Move { at, hit: hit.clone(), held });
        }
        if released {
            inputs.push(Input::Release { at, hit: hit.clone(), held });
        }
        for input in inputs {
            let effects = app.editor.input(input);
            app.carry_out(effects, now);
        }
    }
    if response.secondary_clicked() {
        app.context = hit.clone();
        let effects = app.editor.input(Input::Context { hit: hit.clone() });
        app.carry_out(effects, now);
    }
    ui.ctx().set_cursor_icon(match (hand, app.editor.cursor(&hit)) {
        (true, _) => CursorIcon::Grab,
        (_, Cursor::Arrow) => CursorIcon::Default,
        (_, Cursor::Grab) => CursorIcon::Grab,
        (_, Cursor::Grabbing) => CursorIcon::Grabbing,
        (_, Cursor::Copy) => CursorIcon::Copy,
        (_, Cursor::Crosshair) => CursorIcon::Crosshair,
        (_, Cursor::NotAllowed) => CursorIcon::NotAllowed,
    });
    hit
}

/// What lies at a place; only the card under the pointer and those selected have handles.
fn find(app: &App, at: crate::editor::Point) -> Hit {
    let near = |card: &Rect| card.expand(20.0 / app.view.zoom).contains(pos2(at.0, at.1));
    let with_handles: Vec<&str> = (app.targets.cards.iter())
        .filter(|(name, card)| near(card) || app.editor.selection().has_node(name))
        .map(|(name, _)| name.as_str())
        .collect();
    app.targets.hit(at, &app.view, &with_handles, app.editor.dragged())
}

fn grid(app: &App, painter: &Painter, screen: Rect) {
    let step = GRID * app.view.zoom * if app.view.zoom < 0.5 { 4.0 } else { 1.0 };
    if step < 8.0 {
        return;
    }
    let tint = canvas::color(app.look.theme().faint);
    let first = |origin: f32, from: f32| origin + ((from - origin) / step).ceil() * step;
    // One shape: a shape for each dot would cost more than all that is on the board.
    let mut dots = Mesh::default();
    let mut x = first(app.view.origin.x, screen.left());
    while x < screen.right() {
        let mut y = first(app.view.origin.y, screen.top());
        while y < screen.bottom() {
            dots.add_colored_rect(Rect::from_center_size(pos2(x, y), vec2(1.6, 1.6)), tint);
            y += step;
        }
        x += step;
    }
    painter.add(dots);
}

fn on_screen(app: &App, rect: Rect) -> Rect {
    Rect::from_min_max(app.view.to_screen((rect.left(), rect.top())), app.view.to_screen((rect.right(), rect.bottom())))
}

fn way(app: &App, number: usize) -> Option<Vec<Pos2>> {
    let (_, way) = app.targets.ways.iter().find(|(other, _)| *other == number)?;
    Some(way.iter().map(|p| app.view.to_screen((p.x, p.y))).collect())
}

/// What lies under the cards: the marks of what is selected.
fn under(app: &App, painter: &Painter) {
    let accent = theme::accent(&app.look);
    let design = app.editor.shown();
    for (number, link) in design.links.iter().enumerate() {
        let selected = app.editor.selection().has_link(&link.name());
        let takes = app.editor.overlay().target == Some(Target::Link(number));
        if selected || takes {
            painter.extend(
                way(app, number).map(|way| egui::Shape::line(way, Stroke::new(9.0, accent.gamma_multiply(0.45)))),
            );
        }
    }
    for (name, card) in &app.targets.cards {
        if app.editor.selection().has_node(name) {
            let room = on_screen(app, *card).expand(4.0);
            painter.rect_stroke(room, 12.0 * app.view.zoom, Stroke::new(2.5, accent), StrokeKind::Middle);
        }
    }
}

/// What lies over everything: handles, and what a gesture shows.
fn over(app: &App, painter: &Painter, hit: &Hit) {
    let accent = theme::accent(&app.look);
    let colors = app.look.theme();
    let overlay = app.editor.overlay();
    let rests = overlay.wire.is_none() && overlay.marquee.is_none();
    if hit::has_handles(&app.view) && app.editor.tool() != Tool::Hand && rests {
        for (name, card) in &app.targets.cards {
            if hit.node() == Some(name) || app.editor.selection().len() == 1 && app.editor.selection().has_node(name) {
                for side in [Side::Out, Side::In] {
                    let place = app.targets.handle(*card, side, &app.view);
                    let strong = *hit == Hit::Handle(name.clone(), side);
                    let fill = if strong { accent } else { canvas::color(colors.card) };
                    painter.circle(app.view.to_screen((place.x, place.y)), hit::HANDLE, fill, Stroke::new(1.5, accent));
                }
            }
        }
    }
    if let Some(wire) = &overlay.wire
        && let Some(card) = app.targets.card(&wire.node)
    {
        let from = app.targets.handle(card, wire.side, &app.view);
        let (from, until) = (app.view.to_screen((from.x, from.y)), app.view.to_screen(wire.loose));
        let pen = if wire.refusal.is_some() { canvas::color(colors.failing) } else { accent };
        let bend =
            vec2((until.x - from.x).abs().max(40.0) / 2.0, 0.0) * if wire.side == Side::Out { 1.0 } else { -1.0 };
        let curve = egui::epaint::CubicBezierShape::from_points_stroke(
            [from, from + bend, until - bend, until],
            false,
            Color32::TRANSPARENT,
            Stroke::new(2.5, pen),
        );
        painter.add(curve);
        painter.circle_filled(until, 4.5, pen);
        if let Some(refusal) = &wire.refusal {
            label(app, painter, until + vec2(14.0, 14.0), refusal);
        }
    }
    if let Some(Target::Node(name)) = &overlay.target
        && let Some(card) = app.targets.card(name)
    {
        painter.rect_stroke(on_screen(app, card).expand(5.0), 12.0, Stroke::new(3.0, accent), StrokeKind::Middle);
    }
    if let Some(marquee) = &overlay.marquee {
        let room = Rect::from_two_pos(app.view.to_screen(marquee.area.min), app.view.to_screen(marquee.area.max));
        painter.rect_filled(room, 2.0, accent.gamma_multiply(0.12));
        let corners = [room.left_top(), room.right_top(), room.right_bottom(), room.left_bottom(), room.left_top()];
        if marquee.touching {
            painter.extend(egui::Shape::dashed_line(&corners, Stroke::new(1.2, accent), 5.0, 4.0));
        } else {
            painter.add(egui::Shape::line(corners.to_vec(), Stroke::new(1.2, accent)));
        }
    }
    for guide in &overlay.guides {
        let (a, b) = match *guide {
            Guide::Upright { x, from, until } => ((x, from), (x, until)),
            Guide::Level { y, from, until } => ((from, y), (until, y)),
        };
        painter.line_segment([app.view.to_screen(a), app.view.to_screen(b)], Stroke::new(1.0, accent));
    }
}

/// What the pointer would do, and what a dot stands for.
fn hint(app: &App, painter: &Painter) {
    let colors = app.look.theme();
    let font = egui::FontId::proportional(11.5);
    let muted = canvas::color(colors.muted);
    let screen = app.screen;
    let ground = canvas::color(colors.background);
    let say = |words: String, at: Pos2, side: egui::Align2| {
        let galley = painter.layout_no_wrap(words, font.clone(), muted);
        let room = side.anchor_size(at, galley.size());
        painter.rect_filled(room.expand(4.0), 4.0, ground);
        painter.galley(room.min, galley, muted);
        room
    };
    let said = say(app.editor.hint().to_owned(), screen.left_bottom() + vec2(12.0, -10.0), egui::Align2::LEFT_BOTTOM);
    let has_dots = Detail::at(f64::from(app.view.zoom)).has_dots() && app.lens != Lens::None && !app.look.still;
    if let Some(snapshot) = app.snapshot.as_ref().filter(|_| has_dots) {
        let motion = match (app.motion.slowed(), snapshot.speed) {
            (Some(stretch), _) if stretch >= 1.0 => format!("motion ×1/{}", short::number(stretch)),
            (Some(stretch), _) => format!("motion ×{}", short::number(1.0 / stretch)),
            (None, Speed::Times(times)) if times < 1.0 => format!("true time ×1/{}", short::number(1.0 / times)),
            _ => "true time".to_owned(),
        };
        let rare = if app.motion.shows_rare() { " · rare failures: one a second" } else { "" };
        let sampling = Sampling::of(&snapshot.frame.links, &app.motion.every);
        let words = format!("{}{rare} · {motion}", sampling.words());
        // Above the hint where both have no room beside each other.
        let width = painter.layout_no_wrap(words.clone(), font.clone(), muted).size().x;
        let up = if said.right() + 24.0 > screen.right() - 12.0 - width { said.height() + 8.0 } else { 0.0 };
        say(words, screen.right_bottom() + vec2(-12.0, -10.0 - up), egui::Align2::RIGHT_BOTTOM);
    }
}

/// A few words beside the pointer.
fn label(app: &App, painter: &Painter, at: Pos2, words: &str) {
    let colors = app.look.theme();
    let galley = painter.layout(words.to_owned(), egui::FontId::proportional(12.0), canvas::color(colors.text), 260.0);
    let room = Rect::from_min_size(at, galley.size()).expand(6.0);
    painter.rect(
        room,
        6.0,
        canvas::color(colors.card),
        Stroke::new(1.0, canvas::color(colors.card_border)),
        StrokeKind::Middle,
    );
    painter.galley(at, galley, canvas::color(colors.text));
}
