//! The bar of the run: play, speed, time, and what the cards show.

use super::fields::{Called, Field};
use super::icons;
use super::inspector::{plain, set_length};
use crate::base::{maths, short};
use crate::editor::actions::by_id;
use crate::figure::Lens;
use crate::kinds::Value;
use crate::run::{Snapshot, Speed};
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{Align, Button, Label, Layout, ProgressBar, RichText, Slider, Ui};

/// The buttons at its beginning.
pub const TOOLS: &[&str] = &["run.play", "run.step", "run.restart", "run.new_seed"];

const LENSES: [(Lens, &str); 5] = [
    (Lens::Load, "Load"),
    (Lens::Latency, "Latency"),
    (Lens::Errors, "Errors"),
    (Lens::Queue, "Queues"),
    (Lens::None, "Clean"),
];

pub fn show(app: &mut App, ui: &mut Ui) {
    let now = ui.input(|input| input.time);
    let Some(snapshot) = app.snapshot.clone() else {
        ui.horizontal(|ui| {
            // An empty board is a beginning, not a mistake.
            if app.editor.design().nodes.is_empty() {
                ui.weak("What you draw runs as you draw it");
                return;
            }
            ui.colored_label(ui.visuals().error_fg_color, "The design cannot run yet");
            let first = app.findings.all.iter().find(|finding| finding.severity == crate::base::Severity::Error);
            let why = app.unstarted.clone().or(first.map(|finding| finding.message.clone()));
            cut(ui, RichText::new(why.unwrap_or_default()));
        });
        return;
    };
    ui.horizontal(|ui| {
        let playing = snapshot.playing && !snapshot.over && app.stuck().is_none();
        for id in TOOLS {
            let Some(action) = by_id(id) else { continue };
            let (sign, called) = match *id {
                "run.play" if playing => ("pause", "Pause"),
                "run.play" if snapshot.over => (*id, "Play again"),
                "run.play" => (*id, "Play"),
                _ => (*id, action.label),
            };
            if icons::button(ui, sign, called, true, false).on_hover_text(super::bar::hint(app, action)).clicked() {
                app.perform(action, now);
            }
        }
        ui.separator();
        speed(app, ui, snapshot.speed);
        let reached = match (playing, snapshot.replaying) {
            _ if app.stuck().is_some() => "stopped".to_owned(),
            (_, Some(_)) => "catching up".to_owned(),
            (true, None) => format!("×{} reached", text(Speed::Times(snapshot.reached))),
            (false, None) => "at rest".to_owned(),
        };
        ui.label(RichText::new(reached).weak())
            .on_hover_text("Simulated seconds per second, over the last half second");
        ui.separator();
        ui.label(format!("{} of", short::seconds(snapshot.now.as_secs())));
        let shown = plain(&Value::text(&app.editor.design().run.length));
        let called = Called::By("Run length");
        let field = Field { key: "run length", called, shown: &shown, hint: "60s", width: 56.0, lines: 1 };
        if let Some(text) = field.show(app, ui) {
            set_length(app, "run length", &text);
        }
        // What the cards show has its room, whatever else is to be said.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (lens, word) in LENSES.into_iter().rev() {
                if ui.add(Button::new(word).selected(app.lens == lens)).clicked() {
                    app.lens = lens;
                }
            }
            ui.add_space(8.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| status(app, ui, &snapshot));
        });
    });
}

/// What is to be said of the run, in the room that is left; all of it under the pointer.
fn status(app: &App, ui: &mut Ui, snapshot: &Snapshot) {
    let refused = ["speed", "run length"].into_iter().find_map(|key| app.fields.refusal(key));
    if let Some(problem) = refused.or(snapshot.problem.as_deref()) {
        return cut(ui, RichText::new(problem).color(ui.visuals().error_fg_color));
    }
    if let Some(share) = snapshot.replaying {
        return cut(ui, RichText::new(format!("simulating anew, {:.0} %", share * 100.0)));
    }
    let room = ui.available_width().clamp(0.0, 120.0);
    if room > 30.0 {
        let share = snapshot.now.as_secs() / snapshot.length.as_secs();
        let bar = ProgressBar::new(share as f32).fill(canvas::color(app.look.theme().busy));
        ui.add(bar.desired_width(room).desired_height(6.0));
    }
    if ui.available_width() > 60.0 {
        let words = format!("seed {} · {} requests", snapshot.seed, short::count(snapshot.requests));
        cut(ui, RichText::new(words).weak());
    }
}

/// Words that are cut where there is no room for them.
fn cut(ui: &mut Ui, words: RichText) {
    let all = words.text().to_owned();
    ui.add(Label::new(words).truncate()).on_hover_text(all);
}

/// A speed as it is said, and as it can be typed: `2`, `1/500`, `max`.
fn text(speed: Speed) -> String {
    let Speed::Times(times) = speed else { return "max".to_owned() };
    let inverse = 1.0 / times;
    let is_whole = (inverse - inverse.round()).abs() < 1e-6 * inverse;
    if times > 0.0 && inverse >= 1.5 && (is_whole || times < 0.1) {
        return format!("1/{inverse:.0}");
    }
    let text = format!("{times:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// # Errors
/// A sentence, if it is no speed.
fn parse(text: &str) -> Result<Speed, String> {
    let text = text.trim().trim_start_matches('×').trim();
    if text.eq_ignore_ascii_case("max") {
        return Ok(Speed::Fastest);
    }
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let times = match text.split_once('/') {
        Some((over, under)) => number(over).zip(number(under)).map(|(over, under)| over / under),
        None => number(text),
    };
    let times = times.filter(|times| times.is_finite() && *times >= Speed::SLOWEST);
    times.map(Speed::Times).ok_or_else(|| format!("`{text}` is no speed: expected 2, 1/500 (down to 1/1000) or max"))
}

fn log2(value: f64) -> f64 {
    maths::ln(value) / std::f64::consts::LN_2
}

fn speed(app: &mut App, ui: &mut Ui, speed: Speed) {
    /// Beyond this power of two the slider means as fast as it goes.
    const FASTEST: f64 = 12.0;
    let mut power = match speed {
        Speed::Times(times) => log2(times.max(Speed::SLOWEST)),
        Speed::Fastest => FASTEST + 0.5,
    };
    let label = ui.label("Speed");
    let slider = Slider::new(&mut power, log2(Speed::SLOWEST)..=FASTEST + 0.5).show_value(false);
    let slid = ui.add(slider).labelled_by(label.id).on_hover_text("Simulated seconds per second (J slower, L faster)");
    let mut wanted =
        slid.changed().then(|| if power > FASTEST { Speed::Fastest } else { Speed::Times(maths::pow(2.0, power)) });
    let (shown, called) = (text(speed), Called::By("Speed, as a number"));
    let field = Field { key: "speed", called, shown: &shown, hint: "1", width: 44.0, lines: 1 };
    if let Some(typed) = field.show(app, ui) {
        let parsed = parse(&typed);
        wanted = wanted.or(parsed.as_ref().ok().copied());
        app.fields.settle("speed", parsed.map(|_| ()));
    }
    if let (Some(wanted), Some(runner)) = (wanted, &app.runner) {
        runner.set_speed(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_as_they_are_said() {
        for speed in
            [Speed::Times(1.0 / 500.0), Speed::Times(0.5), Speed::Times(2.0), Speed::Times(64.0), Speed::Fastest]
        {
            assert_eq!(parse(&text(speed)), Ok(speed));
        }
        assert_eq!([0.94, 1.5, 0.0, 0.0019].map(|times| text(Speed::Times(times))), ["0.94", "1.5", "0", "1/526"]);
        assert_eq!(parse(" ×3 "), Ok(Speed::Times(3.0)));
        for wrong in ["", "fast", "0", "-1", "1/0", "1/2000", "NaN"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
