//! Colours by role. The classes, failure and strain have the colours of Okabe and Ito, which stay apart for people who
//! see colours differently; none of them is ever the only cue.

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

impl Color {
    const fn hex(rgb: u32) -> Color {
        Color((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
    }

    /// So much of the other colour in this one, between 0 and 1.
    #[must_use]
    pub fn mix(self, other: Color, share: f64) -> Color {
        let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share + 0.5) as u8;
        Color(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }
}

/// Which theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeName {
    Dark,
    #[default]
    Light,
    /// White, and readable without colour.
    Print,
}

/// The colours of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: ThemeName,
    pub background: Color,
    pub card: Color,
    pub card_border: Color,
    pub text: Color,
    /// Text that is read second.
    pub muted: Color,
    /// Tracks of meters, lines of grids.
    pub faint: Color,
    /// What is busy, and fine.
    pub busy: Color,
    pub strained: Color,
    /// Lines over what is strained.
    pub hatch: Color,
    pub failing: Color,
    /// Text on a badge of the colour of failing.
    pub on_failing: Color,
    pub link: Color,
    pub broken: Color,
    /// Behind a text on the board.
    pub note: Color,
    pub classes: [Color; 4],
    /// Around fills that do not stand out from the background by themselves.
    pub outline: Option<Color>,
}

const SKY: Color = Color::hex(0x56_B4E9);
const ORANGE: Color = Color::hex(0xE6_9F00);
const GREEN: Color = Color::hex(0x00_9E73);
const PURPLE: Color = Color::hex(0xCC_79A7);
const VERMILLION: Color = Color::hex(0xD5_5E00);
const YELLOW: Color = Color::hex(0xF0_E442);
const WHITE: Color = Color::hex(0xFF_FFFF);
const BLACK: Color = Color::hex(0x00_0000);

impl Theme {
    pub fn of(name: ThemeName) -> Theme {
        match name {
            ThemeName::Dark => Theme {
                name,
                background: Color::hex(0x15_181E),
                card: Color::hex(0x23_2831),
                card_border: Color::hex(0x3D_4552),
                text: Color::hex(0xE6_E8EB),
                muted: Color::hex(0xB4_BCC7),
                faint: Color::hex(0x39_404C),
                busy: SKY,
                strained: YELLOW,
                hatch: Color::hex(0x15_181E),
                failing: VERMILLION,
                on_failing: Color::hex(0x15_181E),
                link: Color::hex(0x8B_95A3),
                broken: Color::hex(0x6B_7480),
                note: Color::hex(0x36_3325),
                classes: [SKY, ORANGE, GREEN, PURPLE],
                outline: None,
            },
            ThemeName::Light => Theme {
                name,
                background: Color::hex(0xFA_FAF7),
                card: WHITE,
                card_border: Color::hex(0xC9_CED6),
                text: Color::hex(0x1F_2430),
                muted: Color::hex(0x4E_5663),
                faint: Color::hex(0xE4_E6EA),
                busy: SKY,
                strained: YELLOW,
                hatch: Color::hex(0x1F_2430),
                failing: VERMILLION,
                on_failing: Color::hex(0x15_181E),
                link: Color::hex(0x7A_8492),
                broken: Color::hex(0x86_8E9C),
                note: Color::hex(0xF6_F0D6),
                classes: [SKY, ORANGE, GREEN, PURPLE],
                outline: Some(Color::hex(0x1F_2430)),
            },
            ThemeName::Print => Theme {
                name,
                background: WHITE,
                card: WHITE,
                card_border: BLACK,
                text: BLACK,
                muted: Color::hex(0x3C_3C3C),
                faint: Color::hex(0xD8_D8D8),
                busy: Color::hex(0x8C_8C8C),
                strained: WHITE,
                hatch: BLACK,
                failing: BLACK,
                on_failing: WHITE,
                // Pale enough for black dots to be seen on it.
                link: Color::hex(0x76_7676),
                broken: Color::hex(0x94_9494),
                note: WHITE,
                classes: [BLACK, Color::hex(0x9C_9C9C), WHITE, Color::hex(0xCC_CCCC)],
                outline: Some(BLACK),
            },
        }
    }

    pub fn is_print(&self) -> bool {
        self.name == ThemeName::Print
    }

    /// The colour of a request class, and whether it is striped because the colours have all been used.
    pub fn class(&self, class: usize) -> (Color, bool) {
        (self.classes[class % self.classes.len()], class >= self.classes.len())
    }

    /// What is written with on the colour of a class.
    pub fn on_class(&self, class: usize) -> Color {
        let dark = self.outline.unwrap_or(self.background);
        if self.class(class).0 == dark { WHITE } else { dark }
    }

    /// From fine (0) over strained (0.5) to failing (1): what a lens tints a card with. Pale enough to write on.
    pub fn heat(&self, level: f64) -> Color {
        let level = level.clamp(0.0, 1.0);
        let (yellow, red) = match self.name {
            ThemeName::Dark => (self.card.mix(YELLOW, 0.19), self.card.mix(VERMILLION, 0.38)),
            ThemeName::Light => (self.card.mix(YELLOW, 0.55), self.card.mix(VERMILLION, 0.34)),
            ThemeName::Print => (Color::hex(0xE4_E4E4), Color::hex(0xBC_BCBC)),
        };
        if level < 0.5 { self.card.mix(yellow, level * 2.0) } else { yellow.mix(red, level * 2.0 - 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::maths;

    fn luminance(color: Color) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { maths::pow((c + 0.055) / 1.055, 2.4) }
        };
        0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
    }

    /// By the Web Content Accessibility Guidelines: from 1 to 21.
    fn contrast(a: Color, b: Color) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    const ALL: [ThemeName; 3] = [ThemeName::Dark, ThemeName::Light, ThemeName::Print];

    #[test]
    fn text_is_readable_wherever_it_stands() {
        for theme in ALL.map(Theme::of) {
            let heats = (0..=20).map(|i| theme.heat(f64::from(i) / 20.0));
            for under in [theme.background, theme.card, theme.note].into_iter().chain(heats) {
                assert!(contrast(theme.text, under) >= 4.5, "{:?}: text on {under:?}", theme.name);
                assert!(contrast(theme.muted, under) >= 4.5, "{:?}: muted on {under:?}", theme.name);
            }
            assert!(contrast(theme.on_failing, theme.failing) >= 4.5, "{:?}", theme.name);
            for class in 0..theme.classes.len() {
                assert!(contrast(theme.on_class(class), theme.class(class).0) >= 4.5, "{:?}: {class}", theme.name);
            }
        }
    }

    /// The contrasts that were measured when the colours were chosen.
    #[test]
    fn colours_stand_out_as_they_were_chosen_to() {
        let (dark, light) = (Theme::of(ThemeName::Dark), Theme::of(ThemeName::Light));
        let on_dark = [7.7, 7.9, 5.2, 5.8];
        let on_light = [2.2, 2.1, 3.2, 2.8];
        for (i, class) in dark.classes.into_iter().enumerate() {
            assert!(contrast(class, dark.background) >= on_dark[i] - 0.1, "class {i}");
            assert!(contrast(class, light.background) >= on_light[i] - 0.1, "class {i}");
        }
        assert!(contrast(dark.failing, dark.background) >= 4.5 && contrast(light.failing, light.background) >= 3.5);
        assert!(contrast(dark.strained, dark.background) >= 13.0);
    }

    /// Where a fill stands out too little, its outline does; lines stand out by themselves.
    #[test]
    fn shapes_stand_out() {
        for theme in ALL.map(Theme::of) {
            let fills = theme.classes.into_iter().chain([theme.busy, theme.strained, theme.failing]);
            for fill in fills.flat_map(|fill| [(fill, theme.background), (fill, theme.card)]) {
                let outlined = theme.outline.is_some_and(|outline| contrast(outline, fill.1) >= 4.5);
                assert!(contrast(fill.0, fill.1) >= 3.0 || outlined, "{:?}: {fill:?}", theme.name);
            }
            for line in [theme.link, theme.broken] {
                assert!(contrast(line, theme.background) >= 3.0, "{:?}: {line:?}", theme.name);
            }
            assert!(contrast(theme.hatch, theme.strained) >= 10.0);
        }
    }
}
