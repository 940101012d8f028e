//! The trace of one request: its calls below each other, each from when it was sent until its caller knew how it went.

use crate::base::{Time, short};
use crate::editor::Selection;
use crate::engine::{Hop, Journey, Passage};
use crate::figure::theme::Theme;
use crate::run::Snapshot;
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{
    Align2, FontId, Painter, Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2,
};
use std::sync::Arc;

/// The height of a call, and the room for its name, in points.
const ROW: f32 = 20.0;
const NAMES: f32 = 240.0;
/// The room for how it went.
const OUTCOMES: f32 = 116.0;
/// How far a call stands to the right of its caller's.
const INDENT: f32 = 14.0;

/// A request that is looked at, with the names that its calls had then.
pub struct Trace {
    journey: Arc<Journey>,
    class: String,
    links: Vec<String>,
}

impl Trace {
    pub fn of(snapshot: &Snapshot, journey: Arc<Journey>) -> Trace {
        let class = journey.hops.first().map_or(0, |hop| hop.class.index());
        let class = snapshot.recorder.plan().classes.get(class).cloned().unwrap_or_default();
        let name =
            |hop: &Hop| snapshot.frame.links.get(hop.link.index()).map_or(String::new(), |link| link.name.clone());
        let links = journey.hops.iter().map(name).collect();
        Trace { journey, class, links }
    }
}

/// A way to choose one of the journeys that have ended lately.
type Choose = fn(&[Arc<Journey>]) -> Option<&Arc<Journey>>;

const CHOICES: [(&str, &str, Choose); 3] = [
    ("Latest", "The sampled request that has ended last", |all| all.last()),
    ("Slowest", "Of the sampled requests that have ended lately, the one that took longest", |all| {
        all.iter().max_by_key(|journey| journey.end().since(journey.begin()))
    }),
    ("Failed", "The latest of which a call has failed", |all| {
        all.iter().rev().find(|journey| journey.hops.iter().any(|hop| hop.outcome.is_err()))
    }),
];

pub fn show(app: &mut App, ui: &mut Ui) {
    let Some(snapshot) = app.snapshot.clone() else { return };
    ui.horizontal(|ui| {
        for (word, help, choose) in CHOICES {
            let found = choose(&snapshot.journeys);
            let button = ui.add_enabled(found.is_some(), egui::Button::new(word).small());
            if button.on_hover_text(help).clicked() {
                app.trace = found.map(|journey| Trace::of(&snapshot, journey.clone()));
            }
        }
    });
    let Some(trace) = app.trace.take() else {
        let words = "Choose a request above, or pause the run and click a dot on the board.";
        ui.centered_and_justified(|ui| ui.label(RichText::new(words).weak()));
        return;
    };
    let theme = app.look.theme();
    let extent = extent(&trace.journey, snapshot.now);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        axis(ui, &theme, extent);
        for (place, depth) in order(&trace.journey.hops) {
            let link = &trace.links[place];
            if call(ui, &theme, &trace, (place, depth), extent) && app.editor.design().link(link).is_some() {
                app.editor.select(Selection::of_links([link.clone()]));
            }
        }
    });
    app.trace = Some(trace);
}

/// What is said beside the tabs.
pub fn note(app: &App) -> String {
    let Some(Trace { journey, class, .. }) = &app.trace else { return String::new() };
    let Some(first) = journey.hops.first() else { return String::new() };
    let calls = journey.hops.len();
    let took = match first.settled {
        Time::NEVER => "under way".to_owned(),
        settled => short::seconds(settled.since(first.sent).as_secs()),
    };
    let s = if calls == 1 { "" } else { "s" };
    format!("{class}: {took}, {calls} call{s}, sent at {}", short::seconds(first.sent.as_secs()))
}

/// The calls as they are shown, in seconds of the run.
pub fn csv(app: &App) -> Vec<Vec<String>> {
    let head = ["call", "depth", "attempt", "sent_s", "left_s", "arrived_s", "answered_s", "settled_s", "outcome"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let Some(Trace { journey, links, .. }) = &app.trace else { return lines };
    let time = |at: Time| if at == Time::NEVER { String::new() } else { at.as_secs().to_string() };
    for (place, depth) in order(&journey.hops) {
        let hop = &journey.hops[place];
        let attempt = hop.attempt.to_string();
        let times = [hop.sent, hop.request.left, hop.request.arrives, hop.reply.left, hop.settled].map(time);
        let mut line = vec![links[place].clone(), depth.to_string(), attempt];
        line.extend(times);
        line.push(hop.outcome.err().map_or("ok", crate::engine::Reason::name).to_owned());
        lines.push(line);
    }
    lines
}

/// The calls with those that each made right below it, and how deep each is.
fn order(hops: &[Hop]) -> Vec<(usize, usize)> {
    fn below(hops: &[Hop], parent: Option<u16>, depth: usize, all: &mut Vec<(usize, usize)>) {
        for (i, _) in hops.iter().enumerate().filter(|(_, hop)| hop.parent == parent) {
            all.push((i, depth));
            below(hops, Some(i as u16), depth + 1, all);
        }
    }
    let mut all = Vec::with_capacity(hops.len());
    below(hops, None, 0, &mut all);
    all
}

/// From when until when a journey is drawn: what goes on goes on until now.
fn extent(journey: &Journey, now: Time) -> (Time, Time) {
    let goes_on = journey.hops.iter().any(|hop| hop.settled == Time::NEVER && hop.reply.arrives == Time::NEVER);
    let end = if goes_on { now.max(journey.end()) } else { journey.end() };
    (journey.begin(), end.max(Time(journey.begin().0 + 1)))
}

/// Where a time of the journey is.
fn x(room: Rect, (from, until): (Time, Time), at: Time) -> f32 {
    let share = at.clamp(from, until).since(from).0 as f32 / until.since(from).0.max(1) as f32;
    room.left() + room.width() * share
}

fn room(row: Rect) -> Rect {
    let names = NAMES.min(row.width() * 0.4);
    Rect::from_min_max(pos2(row.left() + names, row.top()), pos2(row.right() - OUTCOMES, row.bottom()))
}

fn axis(ui: &mut Ui, theme: &Theme, extent: (Time, Time)) {
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let (room, whole) = (room(row), extent.1.since(extent.0).as_secs());
    let muted = canvas::color(theme.muted);
    for tick in crate::figure::axis::times(whole, (room.width() / 90.0).clamp(2.0, 8.0) as usize) {
        let at = room.left() + room.width() * (tick.at / whole) as f32;
        let font = FontId::proportional(11.0);
        ui.painter().text(pos2(at, row.center().y), Align2::CENTER_CENTER, short::seconds(tick.at), font, muted);
    }
}

/// A call; whether it was clicked.
fn call(ui: &mut Ui, theme: &Theme, trace: &Trace, (place, depth): (usize, usize), extent: (Time, Time)) -> bool {
    let hop = &trace.journey.hops[place];
    let (row, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    if !ui.is_rect_visible(row) {
        return false;
    }
    let words = words(hop, extent.0);
    let name = trace.links[place].replace("->", " → ");
    let again = if hop.attempt > 1 { format!(" (attempt {})", hop.attempt) } else { String::new() };
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("{name}{again}: {words}")));
    let painter = ui.painter().with_clip_rect(row.intersect(ui.clip_rect()));
    if response.hovered() {
        painter.rect_filled(row, 3.0, ui.visuals().widgets.hovered.weak_bg_fill);
    }
    let (room, ink) = (room(row), canvas::color(theme.text));
    let font = FontId::proportional(12.5);
    let names = painter.with_clip_rect(Rect::from_min_max(row.min, pos2(room.left() - 8.0, row.bottom())));
    let at = pos2(row.left() + 4.0 + INDENT * depth as f32, row.center().y);
    names.text(at, Align2::LEFT_CENTER, format!("{name}{again}"), font.clone(), ink);
    bar(&painter, theme, hop, room, extent);
    let (said, pen) = match hop.outcome {
        Err(reason) => (reason.name().replace('_', " "), canvas::color(theme.failing)),
        Ok(()) if hop.settled == Time::NEVER => ("…".to_owned(), canvas::color(theme.muted)),
        Ok(()) => (short::seconds(hop.settled.since(hop.sent).as_secs()), canvas::color(theme.muted)),
    };
    painter.text(pos2(row.right() - 4.0, row.center().y), Align2::RIGHT_CENTER, said, FontId::proportional(11.5), pen);
    response.on_hover_text(words).clicked()
}

/// The whole of it pale, ways as lines, the time at the callee full.
fn bar(painter: &Painter, theme: &Theme, hop: &Hop, room: Rect, extent: (Time, Time)) {
    let ink = canvas::color(if hop.outcome.is_err() { theme.failing } else { theme.class(hop.class.index()).0 });
    let known = |at: Time| if at == Time::NEVER { extent.1 } else { at };
    let part = |from: Time, until: Time, height: f32| {
        let (from, until) = (x(room, extent, from), x(room, extent, until));
        let size = vec2((until - from).max(1.5), height);
        Rect::from_min_size(pos2(from, room.center().y - height / 2.0), size)
    };
    let whole = part(hop.sent, known(hop.settled), ROW - 8.0);
    // What was over at once would not be seen if it were pale.
    painter.rect_filled(whole, 2.0, if whole.width() < 3.0 { ink } else { ink.gamma_multiply(0.25) });
    for Passage { left, arrives } in [hop.request, hop.reply] {
        if left != Time::NEVER {
            painter.rect_filled(part(left, known(arrives), 2.0), 0.0, ink);
        }
    }
    if hop.request.arrives != Time::NEVER {
        painter.rect_filled(part(hop.request.arrives, known(hop.reply.left), ROW - 11.0), 2.0, ink);
    }
    if hop.attempt > 1 {
        painter.rect_stroke(whole, 2.0, Stroke::new(1.0, ink), egui::StrokeKind::Inside);
    }
}

/// When what happened, from the beginning of the journey on.
fn words(hop: &Hop, begin: Time) -> String {
    let moments = [
        ("sent", hop.sent),
        ("on the way", hop.request.left),
        ("there", hop.request.arrives),
        ("answered", hop.reply.left),
        ("back", hop.reply.arrives),
        ("over", hop.settled),
    ];
    let known = moments.into_iter().filter(|(_, at)| *at != Time::NEVER);
    let said = known.map(|(word, at)| format!("{word} {}", short::seconds(at.since(begin).as_secs())));
    let failed = hop.outcome.err().map(|reason| reason.name().replace('_', " "));
    said.chain(failed).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ClassId, LinkId};

    fn hop(parent: Option<u16>) -> Hop {
        let passage = Passage { left: Time(1), arrives: Time(2) };
        let (link, class) = (LinkId(0), ClassId(0));
        let (sent, settled, outcome) = (Time(1), Time(9), Ok(()));
        Hop { link, class, attempt: 1, parent, sent, request: passage, reply: passage, settled, outcome }
    }

    #[test]
    fn callers_stand_above_what_they_called() {
        let hops = [hop(None), hop(Some(0)), hop(Some(0)), hop(Some(1)), hop(Some(2))];
        assert_eq!(order(&hops), [(0, 0), (1, 1), (3, 2), (2, 1), (4, 2)]);
    }

    #[test]
    fn what_goes_on_is_drawn_until_now() {
        let mut journey = Journey { id: 1, hops: vec![hop(None)] };
        assert_eq!(extent(&journey, Time(50)), (Time(1), Time(9)));
        (journey.hops[0].settled, journey.hops[0].reply.arrives) = (Time::NEVER, Time::NEVER);
        assert_eq!(extent(&journey, Time(50)), (Time(1), Time(50)));
    }
}
