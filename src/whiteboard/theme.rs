//! How the window looks: the figure's colours for panels and board alike.

use super::canvas;
use crate::figure::ThemeName;
use crate::figure::theme::{Color, Theme};
use egui::{Color32, CornerRadius, Stroke, Ui, Visuals};
use serde::{Deserialize, Serialize};

/// Which of the looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Name {
    #[default]
    Dark,
    Light,
    /// Black on white, with stronger lines.
    Contrast,
}

/// What the window looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    pub name: Name,
    /// Nothing moves by itself: no dots.
    pub still: bool,
    /// How much larger the interface is than the system has it, in steps of a tenth.
    pub larger: i8,
}

impl Look {
    pub fn next(&mut self) {
        self.name = match self.name {
            Name::Dark => Name::Light,
            Name::Light => Name::Contrast,
            Name::Contrast => Name::Dark,
        };
    }

    pub fn theme_name(&self) -> ThemeName {
        match self.name {
            Name::Dark => ThemeName::Dark,
            Name::Light => ThemeName::Light,
            Name::Contrast => ThemeName::Print,
        }
    }

    pub fn theme(&self) -> Theme {
        Theme::of(self.theme_name())
    }
}

/// The ring around what is selected, and other marks of the interface that are not about the run.
pub fn accent(look: &Look) -> Color32 {
    match look.name {
        Name::Dark => Color32::from_rgb(0x8F, 0xC7, 0xFF),
        Name::Light => Color32::from_rgb(0x1F, 0x6F, 0xC4),
        Name::Contrast => Color32::BLACK,
    }
}

/// Give the panels their colours.
pub fn apply(ui: &mut Ui, look: &Look) {
    let theme = look.theme();
    let mut visuals = if look.name == Name::Dark { Visuals::dark() } else { Visuals::light() };
    let (text, muted, faint) = (canvas::color(theme.text), canvas::color(theme.muted), canvas::color(theme.faint));
    let (card, behind, border) =
        (canvas::color(theme.card), canvas::color(theme.background), canvas::color(theme.card_border));
    visuals.override_text_color = None;
    // On a screen that mixes colours as light does, dark letters need as much more weight as light ones.
    visuals.text_options.color_transfer_function = egui::epaint::FontColorTransferFunction::TwoCoverageMinusCoverageSq;
    visuals.weak_text_color = Some(muted);
    visuals.panel_fill = card;
    visuals.window_fill = card;
    visuals.window_stroke = Stroke::new(1.0, border);
    visuals.extreme_bg_color = behind;
    visuals.faint_bg_color = canvas::color(theme.card.mix(theme.faint, 0.5));
    visuals.selection.bg_fill = accent(look).gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, text);
    visuals.hyperlink_color = accent(look);
    let warning = if look.name == Name::Dark { theme.strained } else { Color(0x8A, 0x50, 0x00) };
    visuals.warn_fg_color = canvas::color(warning);
    visuals.error_fg_color = canvas::color(theme.failing);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    for (widget, fill, stroke) in [
        (&mut visuals.widgets.noninteractive, card, faint),
        (&mut visuals.widgets.inactive, canvas::color(theme.card.mix(theme.faint, 0.7)), border),
        (&mut visuals.widgets.hovered, faint, muted),
        (&mut visuals.widgets.active, faint, text),
        (&mut visuals.widgets.open, faint, border),
    ] {
        (widget.bg_fill, widget.weak_bg_fill) = (fill, fill);
        widget.bg_stroke = Stroke::new(1.0, stroke);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(6);
    }
    visuals.widgets.inactive.bg_stroke =
        if look.name == Name::Contrast { Stroke::new(1.0, border) } else { Stroke::NONE };
    visuals.text_edit_bg_color = Some(canvas::color(theme.card.mix(theme.faint, 0.7)));
    // A cursor that blinks would keep the window drawing.
    visuals.text_cursor.blink = false;
    visuals.widgets.noninteractive.fg_stroke = Stroke::new(1.0, text);
    // Beside what is scrolled, not over it.
    let scroll =
        egui::style::ScrollStyle { bar_width: 8.0, bar_inner_margin: 4.0, ..egui::style::ScrollStyle::solid() };
    if ui.ctx().global_style().spacing.scroll != scroll {
        ui.ctx().all_styles_mut(|style| style.spacing.scroll = scroll);
        ui.spacing_mut().scroll = scroll;
    }
    if visuals != ui.ctx().global_style().visuals {
        ui.ctx().set_visuals(visuals.clone());
    }
    *ui.visuals_mut() = visuals;
}
