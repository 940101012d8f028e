//! The plots of the run: the figure's, to be moved about in.

use crate::base::{maths, short};
use crate::design::{MetricPath, unit_of};
use crate::engine::Unit;
use crate::figure::plot::{Curve, Form, Ink, Panel};
use crate::figure::series::{self, Asked, Recording};
use crate::figure::theme::{Color, Theme};
use crate::metrics::Recorder;
use crate::run::Snapshot;
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{Color32, RichText, ScrollArea, Stroke, Ui};
use egui_plot::{GridMark, HLine, HoverPosition, Line, LineStyle, Plot, PlotPoints, VLine};
use std::sync::Arc;

/// The narrowest and the lowest that is read without effort, in points.
const WIDTH: f32 = 300.0;
const LOWEST: f32 = 160.0;
/// For what stands beside an axis: the same for all, so that the same instants are below each other.
const AXIS: f32 = 60.0;
/// Between plots, and the line above each.
const GAP: f32 = 10.0;
const HEAD: f32 = 24.0;

/// The panels of a recording, made anew when it or the selection has changed.
#[derive(Default)]
pub struct Cache {
    of: Option<(Arc<Recorder>, Vec<String>)>,
    panels: Vec<Panel>,
    /// How many designs were opened.
    pub opened: u64,
}

pub fn show(app: &mut App, ui: &mut Ui) {
    let Some(snapshot) = app.snapshot.clone() else { return };
    refresh(app, &snapshot);
    // Another run is seen from its beginning, wherever one had moved or zoomed to in the last.
    let run = egui::Id::new(("plots", app.plots.opened, snapshot.number, snapshot.length.0));
    let theme = app.look.theme();
    let until = reach(snapshot.now.as_secs(), snapshot.length.as_secs());
    let marks: Vec<f64> = snapshot.design.timeline.iter().map(|i| i.at.as_secs()).filter(|at| *at <= until).collect();
    let panels: Vec<&Panel> = shown(&app.plots).collect();
    let room = ui.available_size();
    let rows = rows(panels.len(), room);
    let columns = panels.len().div_ceil(rows).max(1);
    let size = egui::vec2((room.x / columns as f32 - GAP).max(WIDTH), room.y / rows as f32 - HEAD);
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        for panels in panels.chunks(columns) {
            ui.horizontal_top(|ui| {
                for panel in panels {
                    ui.vertical(|ui| one(ui, (panel, run), &theme, &marks, (until, &snapshot.recorder), size));
                }
            });
        }
    });
}

/// In how many rows so many plots stand: none is taller than it is wide, and none is too low to be read.
fn rows(count: usize, room: egui::Vec2) -> usize {
    let wide = |rows: &usize| room.x / count.div_ceil(*rows) as f32 >= room.y / *rows as f32 * 1.4;
    (1..=count).find(wide).unwrap_or(count).min((room.y / LOWEST) as usize).max(1)
}

/// How far the axis of time reaches: it doubles now and then until it is the whole run, so that the curves are neither a
/// sliver nor always on the move.
fn reach(now: f64, length: f64) -> f64 {
    let mut until = length.min(10.0);
    while until < now {
        until *= 2.0;
    }
    until.min(length)
}

/// Marks of the time that is seen, at most so many, wherever one has moved or zoomed to.
fn time_marks((from, until): (f64, f64), most: usize) -> Vec<GridMark> {
    let step = match crate::figure::axis::times(until - from, most).as_slice() {
        [first, second, ..] => second.at - first.at,
        _ => return Vec::new(),
    };
    let first = (from / step).ceil();
    let marks = (0..=most).map(|i| GridMark { value: (first + i as f64) * step, step_size: until - from });
    marks.filter(|mark| mark.value <= until).collect()
}

/// What says nothing that the others do not is left out.
fn shown(cache: &Cache) -> impl Iterator<Item = &Panel> {
    cache.panels.iter().filter(|panel| !panel.is_dull)
}

/// What is said beside the tabs.
pub fn note(app: &App) -> String {
    let Some(snapshot) = &app.snapshot else { return String::new() };
    let series = snapshot.recorder.series();
    let until = series.ends.last().map_or(0.0, |end| end.as_secs());
    format!(
        "0 s – {} of the run, {} windows, {} requests · drag to move, Ctrl and wheel to zoom, double-click for all",
        short::seconds(until),
        series.ends.len(),
        short::count(series.classes.iter().map(|row| row.counts.offered).sum())
    )
}

/// Over how long the points of a curve are taken, the shortest and the longest: as far as they are from each other.
fn slices(curve: &Curve) -> Option<(f64, f64)> {
    let gaps = curve.points.windows(2).filter_map(|pair| Some(pair[1].as_ref()?.at - pair[0].as_ref()?.at));
    gaps.fold(None, |range, gap| {
        let (least, most) = range.unwrap_or((gap, gap));
        Some((gap.min(least), gap.max(most)))
    })
}

/// A time, or from which to which.
fn span((least, most): (f64, f64)) -> String {
    let (least, most) = (short::seconds(least), short::seconds(most));
    if least == most { least } else { format!("{least} – {most}") }
}

/// What a point of a curve is taken over: a time, and so many answers on average where it is of their times.
fn basis(panel: &Panel, curve: &Curve, recorder: &Recorder) -> Option<String> {
    let over = span(slices(curve)?);
    if panel.unit != Unit::Seconds {
        return Some(format!("each point over {over}"));
    }
    let classes = &recorder.plan().classes;
    // A curve that is not of one class is of all.
    let class = classes.iter().position(|class| *class == curve.label);
    let rows = recorder.series().classes.iter().enumerate();
    let rows = rows.filter(|(i, _)| class.is_none_or(|class| i % classes.len() == class));
    let answers: u64 = rows.map(|(_, row)| row.counts.good + row.counts.late).sum();
    Some(format!("n ≈ {} in {over}", short::count(answers / (curve.points.len() as u64).max(1))))
}

/// The same of the whole panel, once where it is the same for all. Classes differ in how often they are answered;
/// percentiles of the same answers do not.
fn bases(panel: &Panel, recorder: &Recorder) -> String {
    let is_class = |curve: &&Curve| recorder.plan().classes.contains(&curve.label);
    let of_class = |curve: &Curve| Some(format!("{}: {}", curve.label, basis(panel, curve, recorder)?));
    let by_class: Vec<String> = panel.curves.iter().filter(is_class).filter_map(of_class).collect();
    if panel.unit == Unit::Seconds && !by_class.is_empty() {
        return by_class.join(", ");
    }
    let longest = panel.curves.iter().max_by_key(|curve| curve.points.len());
    longest.and_then(|curve| basis(panel, curve, recorder)).unwrap_or_default()
}

/// The curves point by point, in seconds, per second, shares, or plain.
pub fn csv(app: &App) -> Vec<Vec<String>> {
    let mut lines = vec![["plot", "curve", "at_s", "value"].map(str::to_owned).to_vec()];
    for panel in shown(&app.plots) {
        for curve in &panel.curves {
            let label = if curve.label.is_empty() { "median" } else { &curve.label };
            for point in curve.points.iter().flatten() {
                lines.push(vec![panel.title.clone(), label.to_owned(), point.at.to_string(), point.mean.to_string()]);
            }
        }
    }
    lines
}

/// The usual plots, with queue and load of what is selected.
fn refresh(app: &mut App, snapshot: &Snapshot) {
    let selected = app.editor.selection().nodes.clone();
    let current = app.plots.of.as_ref();
    if current.is_some_and(|(recorder, nodes)| Arc::ptr_eq(recorder, &snapshot.recorder) && *nodes == selected) {
        return;
    }
    let asked: Vec<Asked> = selected
        .iter()
        .take(4)
        .flat_map(|node| ["queue", "utilization"].map(|figure| (node, figure)))
        .filter_map(|(node, figure)| asked(snapshot, node, figure))
        .collect();
    let classes = snapshot.design.classes();
    let recording =
        Recording { design: &snapshot.design, series: snapshot.recorder.series(), classes: &classes, asked: &asked };
    app.plots.panels = series::panels(&recording);
    app.plots.of = Some((snapshot.recorder.clone(), selected));
}

fn asked(snapshot: &Snapshot, node: &str, figure: &str) -> Option<Asked> {
    let name = format!("{node}.{figure}");
    let path = MetricPath::parse(&name).ok()?;
    let samples = crate::run::series(&path, &snapshot.recorder);
    let values: Vec<_> = samples.into_iter().map(|sample| (sample.from, sample.until, sample.value)).collect();
    // Of what has always been empty a plot would say nothing.
    let some = values.iter().any(|(.., value)| value.is_some_and(|value| value > 0.0));
    some.then(|| Asked { title: format!("{node}: {figure}"), unit: unit_of(&name), values })
}

fn one(
    ui: &mut Ui,
    (panel, run): (&Panel, egui::Id),
    theme: &Theme,
    marks: &[f64],
    (until, recorder): (f64, &Recorder),
    size: egui::Vec2,
) {
    // The plot is not made wider by what is said over it.
    ui.set_max_width(size.x);
    ui.horizontal(|ui| {
        ui.label(RichText::new(&panel.title).family(canvas::bold()).size(12.0));
        for curve in panel.curves.iter().filter(|curve| !curve.label.is_empty()) {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(16.0, 10.0), egui::Sense::hover());
            let (from, until, pen) = (rect.left_center(), rect.right_center(), ink(theme, curve.ink));
            // As the line is drawn: several may be of one colour.
            ui.painter().extend(match curve.form {
                Form::DashedLine => egui::Shape::dashed_line(&[from, until], Stroke::new(2.0, pen), 4.0, 2.0),
                Form::Area => vec![egui::Shape::line_segment([from, until], Stroke::new(5.0, pen))],
                form => vec![egui::Shape::line_segment([from, until], Stroke::new(width(form), pen))],
            });
            ui.label(RichText::new(&curve.label).small().weak());
        }
        let words: Vec<String> =
            [panel.note.to_owned(), bases(panel, recorder)].into_iter().filter(|w| !w.is_empty()).collect();
        let words = words.join(" · ");
        ui.add(egui::Label::new(RichText::new(&words).small().weak()).truncate()).on_hover_text(words);
    });
    if let Some(words) = &panel.empty {
        // What has not been counted yet is not nothing.
        let first = recorder.series().ends.is_empty().then(|| recorder.next_boundary().as_secs());
        let words = first.map_or(words.clone(), |end| format!("the first window ends at {}", short::seconds(end)));
        ui.add_sized(size, egui::Label::new(RichText::new(words).weak()));
        return;
    }
    let axis = panel.axis;
    // On a logarithmic axis the plot is of the logarithms.
    let place = move |value: f64| if axis.is_log { maths::log10(value.max(1e-12)) } else { value };
    let value = move |place: f64| if axis.is_log { maths::pow(10.0, place) } else { place };
    let unit = panel.unit;
    let ticks = axis.ticks(unit, 5);
    // The strength of a line of the grid goes by this.
    let axis_room = place(axis.to) - place(axis.from);
    let spaced: Vec<f64> = ticks.iter().map(|tick| place(tick.at)).collect();
    // Words beside each other need so much room.
    let most = (size.x / 80.0).clamp(2.0, 6.0) as usize;
    let said = move |mark: GridMark| {
        let near =
            |tick: &&crate::figure::axis::Tick| (place(tick.at) - mark.value).abs() < 1e-9 + 1e-6 * mark.value.abs();
        ticks.iter().find(near).map_or(String::new(), |tick| tick.text.clone())
    };
    Plot::new((run, &panel.title))
        .width(size.x)
        .height((size.y - 20.0).max(60.0))
        .allow_scroll(false)
        // What is above fits by itself.
        .allow_drag([true, false])
        .allow_zoom([true, false])
        .allow_axis_zoom_drag([true, false])
        .allow_boxed_zoom(false)
        .link_axis(run, [true, false])
        .link_cursor(run, [true, false])
        .grid_color(canvas::color(theme.faint))
        .include_x(0.0)
        .include_x(until)
        .include_y(place(axis.from))
        .include_y(place(axis.to))
        .y_axis_min_width(AXIS)
        .x_grid_spacer(move |grid| time_marks(grid.bounds, most))
        // Before the run there is nothing.
        .x_axis_formatter(|mark, _| if mark.value < 0.0 { String::new() } else { short::seconds(mark.value) })
        .y_axis_formatter(move |mark, _| said(mark))
        .y_grid_spacer(move |_| {
            spaced.iter().map(|value| GridMark { value: *value, step_size: (axis_room).abs() }).collect()
        })
        .label_formatter(move |hover| {
            let (name, point) = match hover {
                HoverPosition::NearDataPoint { plot_name, position, .. } => (*plot_name, position),
                HoverPosition::Elsewhere { position } => ("", position),
            };
            let what = crate::figure::axis::text(value(point.y), unit);
            let colon = if name.is_empty() { "" } else { ": " };
            Some(format!("{name}{colon}{what}\nat {}", short::seconds(point.x)))
        })
        .show(ui, |plot| {
            stack(plot, panel, theme);
            for curve in &panel.curves {
                let pen = ink(theme, curve.ink);
                if curve.form == Form::Area {
                    continue;
                }
                let style = if curve.form == Form::DashedLine { LineStyle::dashed_dense() } else { LineStyle::Solid };
                // A line ends where there was nothing to measure.
                for piece in curve.points.split(Option::is_none).filter(|piece| !piece.is_empty()) {
                    let points: PlotPoints = piece.iter().flatten().map(|p| [p.at, place(p.mean)]).collect();
                    plot.line(
                        Line::new(curve.label.clone(), points).stroke(Stroke::new(width(curve.form), pen)).style(style),
                    );
                }
            }
            for (bound, words) in &panel.bounds {
                let pen = canvas::color(theme.text);
                plot.hline(
                    HLine::new(words.clone(), place(*bound))
                        .stroke(Stroke::new(1.0, pen))
                        .style(LineStyle::dashed_loose()),
                );
            }
            for at in marks {
                plot.vline(
                    VLine::new("", *at)
                        .stroke(Stroke::new(1.0, canvas::color(theme.muted)))
                        .style(LineStyle::dashed_loose()),
                );
            }
        });
}

fn width(form: Form) -> f32 {
    if form == Form::Thin { 1.0 } else { 2.0 }
}

/// Areas on top of each other: the highest first, each filled down to the ground and then covered by the next.
fn stack(plot: &mut egui_plot::PlotUi, panel: &Panel, theme: &Theme) {
    let areas: Vec<_> = panel.curves.iter().filter(|curve| curve.form == Form::Area).collect();
    let most = areas.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
    let mut sums = vec![0.0; most];
    let mut all: Vec<(Vec<[f64; 2]>, &str, Color)> = Vec::new();
    for curve in areas {
        let mut points = Vec::new();
        for (sum, point) in sums.iter_mut().zip(&curve.points) {
            let Some(point) = point else { continue };
            *sum += point.mean;
            points.push([point.at, *sum]);
        }
        all.push((points, &curve.label, found(theme, curve.ink)));
    }
    for (points, label, ink) in all.into_iter().rev() {
        let pale = canvas::color(ink.mix(theme.background, 0.45));
        let ground = Line::new("", points.clone()).stroke(Stroke::new(1.0, pale)).fill(0.0).fill_alpha(1.0);
        plot.line(ground.allow_hover(false));
        plot.line(Line::new(label, points).stroke(Stroke::new(1.5, canvas::color(ink))));
    }
}

fn ink(theme: &Theme, ink: Ink) -> Color32 {
    canvas::color(found(theme, ink))
}

fn found(theme: &Theme, ink: Ink) -> Color {
    let grey = |n: usize| theme.text.mix(theme.background, 0.18 * n as f64);
    match ink {
        Ink::Class(class) => theme.class(class).0,
        Ink::Good => theme.busy,
        Ink::Late => theme.strained,
        Ink::Failed | Ink::Reason(0) => theme.failing,
        Ink::Reason(n) => grey(n),
        Ink::Text => theme.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_of_time_follows_the_run_and_ends_with_it() {
        let reaches = [(0.0, 60.0), (9.9, 60.0), (10.1, 60.0), (39.0, 60.0), (41.0, 60.0), (60.0, 60.0), (0.0, 2.0)];
        assert_eq!(reaches.map(|(now, length)| reach(now, length)), [10.0, 10.0, 20.0, 40.0, 60.0, 60.0, 2.0]);
    }

    #[test]
    fn tall_plots_stand_below_each_other() {
        let rooms = [(3, 1400.0, 240.0), (3, 1400.0, 560.0), (4, 1400.0, 560.0), (5, 900.0, 200.0), (0, 900.0, 600.0)];
        assert_eq!(rooms.map(|(count, x, y)| rows(count, egui::vec2(x, y))), [1, 2, 2, 1, 1]);
    }

    #[test]
    fn points_say_over_how_long_they_are() {
        let curve = |places: &[Option<f64>]| {
            let point = |at: f64| crate::figure::plot::Point3 { at, min: 1.0, mean: 1.0, max: 1.0 };
            let points = places.iter().map(|at| at.map(point)).collect();
            Curve { label: String::new(), ink: Ink::Text, form: Form::Line, points }
        };
        let over = |places: &[Option<f64>]| slices(&curve(places)).map(span);
        assert_eq!(over(&[Some(1.0), Some(3.0), None, Some(7.0), Some(9.0)]).as_deref(), Some("2.00 s"));
        assert_eq!(over(&[Some(1.0), Some(3.0), Some(3.5)]).as_deref(), Some("500 ms – 2.00 s"));
        assert_eq!(over(&[Some(1.0), None, Some(3.0)]), None);
    }

    #[test]
    fn marks_of_time_are_where_one_looks() {
        for bounds in [(0.0, 60.0), (31.0, 33.5), (-2.0, 0.1), (100.0, 4_000.0)] {
            let marks: Vec<f64> = time_marks(bounds, 6).iter().map(|mark| mark.value).collect();
            assert!((2..=7).contains(&marks.len()), "{bounds:?}: {marks:?}");
            assert!(marks.iter().all(|at| (bounds.0..=bounds.1).contains(at)), "{bounds:?}: {marks:?}");
        }
    }
}
