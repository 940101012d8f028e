//! What the window says over the board: what was done, for a few seconds, and what could not be done, until somebody has
//! read it.

use super::app::App;
use super::canvas;
use super::panels::fields::{Called, call};
use crate::base::hash;
use egui::{Align2, Area, Color32, Frame, Id, Label, Order, Stroke, Ui, pos2, vec2};
use std::sync::Arc;
use std::time::Duration;

/// How long a success is shown, in seconds, and how much longer for each letter.
const SUCCESS: f64 = 3.0;
const LETTER: f64 = 0.04;
/// More would cover the board.
const MOST: usize = 5;
/// The widest line, in points.
const WIDTH: f32 = 440.0;
/// From the lower edge of the board, above its hint.
const ABOVE: f32 = 40.0;

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub text: String,
    /// It stays until it is dismissed.
    pub is_problem: bool,
    until: f64,
}

/// All that is said now, the latest last.
#[derive(Default)]
pub struct Messages {
    all: Vec<Message>,
    /// When somebody will wake the window because one of them is over.
    waking: f64,
}

impl Messages {
    #[cfg(test)]
    pub fn all(&self) -> &[Message] {
        &self.all
    }

    fn add(&mut self, text: String, is_problem: bool, now: f64) {
        if text.is_empty() {
            return;
        }
        // What is said again is said once.
        self.all.retain(|message| message.text != text);
        if self.all.len() >= MOST {
            let first = self.all.iter().position(|message| !message.is_problem).unwrap_or(0);
            self.all.remove(first);
        }
        let until = if is_problem { f64::INFINITY } else { now + SUCCESS + LETTER * text.chars().count() as f64 };
        self.all.push(Message { text, is_problem, until });
    }

    /// Whether there was something to dismiss.
    pub fn dismiss(&mut self) -> bool {
        let before = self.all.len();
        self.all.retain(|message| !message.is_problem);
        self.all.len() < before
    }
}

impl App {
    /// Say that something was done.
    pub fn say(&mut self, text: impl Into<String>, now: f64) {
        self.messages.add(text.into(), false, now);
    }

    /// Say that something could not be done, or is not as it should be.
    pub fn complain(&mut self, text: impl Into<String>, now: f64) {
        self.messages.add(text.into(), true, now);
    }

    /// Say what came of something.
    pub fn report(&mut self, result: Result<String, String>, now: f64) {
        match result {
            Ok(done) => self.say(done, now),
            Err(problem) => self.complain(problem, now),
        }
    }

    pub fn show_messages(&mut self, ui: &Ui, now: f64) {
        self.messages.all.retain(|message| message.until > now);
        if self.messages.all.is_empty() {
            return;
        }
        let texts: String = self.messages.all.iter().map(|message| message.text.as_str()).collect();
        let bottom = if self.screen.is_positive() { self.screen } else { ui.ctx().content_rect() }.center_bottom();
        // An area keeps the size of what was in it first, so that each set of messages has its own.
        let area = Area::new(Id::new(("messages", hash::name(&texts)))).order(Order::Foreground).fade_in(false);
        let area = area.pivot(Align2::CENTER_BOTTOM).fixed_pos(bottom - vec2(0.0, ABOVE));
        let mut dismissed = None;
        area.show(ui.ctx(), |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            for (i, message) in self.messages.all.iter().enumerate() {
                if one(ui, message) {
                    dismissed = Some(i);
                }
            }
        });
        if let Some(i) = dismissed {
            self.messages.all.remove(i);
            ui.ctx().request_repaint();
        }
        self.wake_after_messages(ui, now);
    }

    /// Be woken once, when the first of them is over: to ask egui for it would draw all the while.
    fn wake_after_messages(&mut self, ui: &Ui, now: f64) {
        let first = self.messages.all.iter().map(|message| message.until).fold(f64::INFINITY, f64::min);
        if first.is_infinite() || (self.messages.waking > now && self.messages.waking <= first + 0.2) {
            return;
        }
        let wait = first - now + 0.1;
        self.messages.waking = now + wait;
        let wake = Arc::clone(&self.wake);
        let sleep = move || {
            std::thread::sleep(Duration::from_secs_f64(wait));
            wake();
        };
        if std::thread::Builder::new().name("message".to_owned()).spawn(sleep).is_err() {
            ui.ctx().request_repaint_after_secs(wait as f32);
        }
    }
}

/// Returns whether it is dismissed.
fn one(ui: &mut Ui, message: &Message) -> bool {
    let visuals = ui.visuals().clone();
    let rim = if message.is_problem { Stroke::new(1.5, visuals.error_fg_color) } else { visuals.window_stroke };
    let font = egui::FontId::proportional(13.0);
    let words = ui.painter().layout(message.text.clone(), font, visuals.text_color(), WIDTH);
    let mut dismissed = false;
    Frame::popup(ui.style()).stroke(rim).show(ui, |ui| {
        ui.horizontal(|ui| {
            if message.is_problem {
                sign(ui, visuals.error_fg_color, visuals.window_fill);
            }
            ui.add(Label::new(words).selectable(true));
            if message.is_problem {
                let button = ui.add(egui::Button::new("×").frame_when_inactive(false));
                let button = call(button, Called::By(&format!("Dismiss: {}", message.text)));
                dismissed = button.on_hover_text("Dismiss (Esc)").clicked();
            }
        });
    });
    dismissed
}

/// A diamond with an exclamation mark: the shape says it too.
fn sign(ui: &mut Ui, color: Color32, ground: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), egui::Sense::hover());
    let (center, reach) = (rect.center(), 9.0);
    let corners = [(0.0, -reach), (reach, 0.0), (0.0, reach), (-reach, 0.0)];
    let corners = corners.map(|(x, y)| pos2(center.x + x, center.y + y));
    ui.painter().add(egui::Shape::convex_polygon(corners.to_vec(), color, Stroke::NONE));
    ui.painter().text(center, Align2::CENTER_CENTER, "!", egui::FontId::new(12.0, canvas::bold()), ground);
}
