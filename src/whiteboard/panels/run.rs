//! The bar of the run: play, speed, time, and what the cards show.

use crate::base::{maths, short};
use crate::editor::actions::by_id;
use crate::figure::Lens;
use crate::run::Speed;
use crate::whiteboard::app::App;
use egui::{Button, ProgressBar, RichText, Slider, Ui};

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
            ui.colored_label(ui.visuals().error_fg_color, "The design cannot run yet");
            let first = app.findings.1.iter().find(|finding| finding.severity == crate::base::Severity::Error);
            ui.label(first.map_or(String::new(), |finding| finding.message.clone()));
        });
        return;
    };
    ui.horizontal(|ui| {
        let playing = snapshot.playing && !snapshot.over;
        let word = if playing {
            "Pause"
        } else if snapshot.over {
            "Again"
        } else {
            "Play"
        };
        for (id, word) in
            [("run.play", word), ("run.step", "Step"), ("run.restart", "Restart"), ("run.new_seed", "New seed")]
        {
            let Some(action) = by_id(id) else { continue };
            if ui.add(Button::new(word)).on_hover_text(super::bar::hint(action)).clicked() {
                app.perform(action, now);
            }
        }
        ui.separator();
        speed(app, ui, snapshot.speed);
        let reached = if playing { format!("{} reached", times(snapshot.reached)) } else { "at rest".to_owned() };
        ui.label(RichText::new(reached).weak())
            .on_hover_text("Simulated seconds per second, over the last half second");
        ui.separator();
        let (at, length) = (snapshot.now.as_secs(), snapshot.length.as_secs());
        ui.label(format!("{} of {}", short::seconds(at), short::seconds(length)));
        ui.add(ProgressBar::new((at / length) as f32).desired_width(120.0).desired_height(6.0));
        ui.label(
            RichText::new(format!("seed {} · {} requests", snapshot.seed, short::count(snapshot.requests))).weak(),
        );
        if let Some(share) = snapshot.replaying {
            ui.label(format!("simulating anew {:.0} %", share * 100.0));
        }
        if let Some(problem) = &snapshot.problem {
            ui.colored_label(ui.visuals().error_fg_color, problem);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            for (lens, word) in LENSES.into_iter().rev() {
                if ui.add(Button::new(word).selected(app.lens == lens)).clicked() {
                    app.lens = lens;
                }
            }
        });
    });
}

/// A speed as it is said: `×2`, `1/500`.
fn times(speed: f64) -> String {
    if speed > 0.0 && speed < 0.95 { format!("1/{:.0}", 1.0 / speed) } else { format!("×{speed:.0}") }
}

fn log2(value: f64) -> f64 {
    maths::ln(value) / std::f64::consts::LN_2
}

fn speed(app: &mut App, ui: &mut Ui, speed: Speed) {
    let mut power = match speed {
        Speed::Times(times) => log2(times.max(Speed::SLOWEST)),
        Speed::Fastest => 12.5,
    };
    let said = |power: f64| if power > 12.0 { "as fast as it goes".to_owned() } else { times(maths::pow(2.0, power)) };
    let slider = Slider::new(&mut power, log2(Speed::SLOWEST)..=12.5).show_value(false);
    ui.label("Speed");
    if ui.add(slider).on_hover_text("Simulated seconds per second (J slower, L faster)").changed()
        && let Some(runner) = &app.runner
    {
        runner.set_speed(if power > 12.0 { Speed::Fastest } else { Speed::Times(maths::pow(2.0, power)) });
    }
    ui.label(said(power));
}
